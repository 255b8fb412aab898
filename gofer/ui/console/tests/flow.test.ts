import { describe, expect, it } from "vitest";
import { heightFor, NODE, places, shortName, tellsMost, type FlowTask } from "../src/lib/flow";

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
    expect(heightFor(high, 2000)).toBe(420);
  });

  it("is lower where the graph is drawn smaller", () => {
    const fan = places([task("a"), ...["b", "c", "d", "e"].map((id) => task(id, "a"))]);
    expect(heightFor(fan, 300)).toBeLessThan(heightFor(fan, 1000));
  });

  it("shows first what tells most", () => {
    const tasks = [task("a"), { ...task("b"), status: "failed" }, { ...task("c"), status: "running" }];
    expect(tellsMost(tasks, "a")).toEqual([{ id: "a" }]);
    expect(tellsMost(tasks, "")).toEqual([{ id: "b" }]);
    expect(tellsMost([task("a")], "")).toEqual([]);
  });

  it("says of an image what tells it from others", () => {
    expect(shortName("registry.example.org:5000/team/tool:1.4@sha256:ab")).toBe("tool:1.4");
    expect(shortName("busybox")).toBe("busybox");
  });
});
