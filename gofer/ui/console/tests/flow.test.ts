import { describe, expect, it } from "vitest";
import { NODE, places, type FlowTask } from "../src/lib/flow";

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
