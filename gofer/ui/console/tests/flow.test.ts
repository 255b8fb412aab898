import { describe, expect, it } from "vitest";
import { NODE, places, shortName, tellsMost, type FlowTask } from "../src/lib/flow";
import { nodeToward } from "../src/lib/flow_keys";
import { beyond, heightFor, showing, sizeOf, viewOf, wholeOf, zoomed } from "../src/lib/flow_view";

function task(id: string, ...parents: string[]): FlowTask {
  return { id, note: "", status: "", parents: parents.map((parent) => ({ id: parent, when: "successful" })) };
}

describe("nodes of a graph", () => {
  it("stand on a line where each follows the other", () => {
    const found = places([task("a"), task("b", "a"), task("c", "b")]);
    expect(new Set(found.map((place) => place.y)).size).toBe(1);
    expect(found.map((place) => place.x)).toEqual([...found].map((_, i) => i * (NODE.width + 64)));
  });

  it("stand in the middle of what they follow", () => {
    const [root, left, right] = places([task("root"), task("a", "root"), task("b", "root")]);
    expect((root?.y ?? 0) * 2).toBe((left?.y ?? 0) + (right?.y ?? 0));
  });

  it("never lie upon each other, and none is left out", () => {
    const tasks = Array.from({ length: 2000 }, (_, i) =>
      task(`t${i}`, ...(i === 0 ? [] : [`t${i >> 1}`, `t${(i * 7) % i}`])),
    );
    const found = places(tasks);
    const columns = new Map<number, typeof found>();
    for (const place of found) columns.set(place.x, [...(columns.get(place.x) ?? []), place]);
    for (const column of columns.values()) {
      const ys = column.map((place) => place.y).sort((a, b) => a - b);
      ys.forEach((y, i) => {
        if (i > 0) expect(y - (ys[i - 1] ?? 0)).toBeGreaterThanOrEqual(NODE.height);
      });
    }
    expect(found.length).toBe(2000);
    expect(Math.min(...found.map((place) => place.y))).toBe(0);
  });

  it("may be none", () => {
    expect(places([])).toEqual([]);
  });
});

describe("the window on a graph", () => {
  const wide = places([task("a"), task("b", "a"), task("c", "b"), task("d", "c")]);

  it("is as high as what is in it, within bounds", () => {
    expect(heightFor([], 1000)).toBe(84);
    expect(heightFor(wide, 2000)).toBe(84);
    const high = places(Array.from({ length: 40 }, (_, i) => task(`t${i}`)));
    expect(heightFor(high, 2000)).toBe(600);
  });

  it("is lower where the graph is drawn smaller", () => {
    const fan = places([task("a"), ...["b", "c", "d", "e"].map((id) => task(id, "a"))]);
    expect(heightFor(fan, 300)).toBeLessThan(heightFor(fan, 1000));
  });

  const fanOf = (count: number) => {
    const middle = Array.from({ length: count }, (_, i) => `m${i}`);
    return places([task("a"), ...middle.map((id) => task(id, "a")), task("z", ...middle)]);
  };
  const windowOn = (where: ReturnType<typeof places>, width: number) => ({
    width,
    height: heightFor(where, width),
  });

  it("shows the whole of a graph that can be read then", () => {
    for (const [where, width] of [
      [wide, 1240],
      [fanOf(18), 1240],
      [fanOf(3), 460],
      [places([task("a")]), 340],
    ] as const) {
      const box = windowOn(where, width);
      const found = beyond(where, box, viewOf(where, box, []));
      expect(found).toEqual({ left: false, right: false, top: false, bottom: false, inside: where.length });
    }
  });

  it("tells what lies beyond it, and all can be seen by the way", () => {
    const where = fanOf(40);
    const box = windowOn(where, 340);
    const view = viewOf(where, box, []);
    expect(view.zoom).toBe(0.45);
    const found = beyond(where, box, view);
    expect(found).toMatchObject({ left: false, right: true, top: true, bottom: true });
    expect(found.inside).toBeGreaterThan(1);
    expect(beyond(where, box, wholeOf(where, box)).inside).toBe(where.length);
    const last = where[40] ?? { x: 0, y: 0 };
    expect(beyond([last], box, viewOf(where, box, [last])).inside).toBe(1);
    expect(beyond([last], box, showing(view, box, last)).inside).toBe(1);
    expect(showing(wholeOf(where, box), box, last)).toEqual(wholeOf(where, box));
  });

  it("keeps its middle when it is zoomed, and has bounds", () => {
    const box = { width: 400, height: 300 };
    const near = zoomed({ x: 0, y: 0, zoom: 1 }, box, 1.25);
    expect(near).toEqual({ x: -50, y: -37.5, zoom: 1.25 });
    expect(zoomed(near, box, 100).zoom).toBe(2);
    expect(sizeOf([])).toEqual({ width: 0, height: 0 });
  });

  it("goes along with the arrows", () => {
    const where = fanOf(3);
    expect(nodeToward(where, 0, "ArrowRight")).toBe(2);
    expect(nodeToward(where, 2, "ArrowDown")).toBe(3);
    expect(nodeToward(where, 3, "ArrowDown")).toBe(3);
    expect(nodeToward(where, 3, "ArrowLeft")).toBe(0);
    expect(nodeToward(where, 0, "ArrowUp")).toBe(0);
  });

  it("shows first what tells most", () => {
    const tasks = [task("a"), { ...task("b"), status: "failed" }, { ...task("c"), status: "running" }];
    expect(tellsMost(tasks, "a")).toEqual(["a"]);
    expect(tellsMost(tasks, "")).toEqual(["b"]);
    expect(tellsMost([task("a")], "")).toEqual([]);
  });

  it("says of an image what tells it from others", () => {
    expect(shortName("registry.example.org:5000/team/tool:1.4@sha256:ab")).toBe("tool:1.4");
    expect(shortName("busybox")).toBe("busybox");
  });
});
