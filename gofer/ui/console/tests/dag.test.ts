import { describe, expect, it } from "vitest";
import { arrange, layers, type DagNode } from "../src/lib/dag";

const node = (id: string, ...parents: string[]): DagNode => ({ id, parents });

describe("layers", () => {
  it("are the longest way from a node without parents, whatever the order of the nodes", () => {
    expect(layers([node("d", "b", "a"), node("b", "a"), node("a"), node("alone")])).toEqual([2, 1, 0, 0]);
  });

  it("leave out parents that are not there, and a node that waits for itself", () => {
    expect(layers([node("a", "gone"), node("b", "b")])).toEqual([0, 0]);
  });

  it("end with nodes that wait for each other too", () => {
    expect(layers([node("a", "b"), node("b", "a")])).toHaveLength(2);
  });
});

describe("arrange", () => {
  it("puts a diamond's halves above and below the middle", () => {
    const found = arrange([node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c")]);
    expect(found.layer).toEqual([0, 1, 1, 2]);
    expect(found.row).toEqual([0, -0.5, 0.5, 0]);
    expect(found.edges).toEqual([
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ]);
    expect([found.columns, found.rows]).toEqual([3, 2]);
  });

  it("orders a column by its parents, so that lines do not cross", () => {
    const found = arrange([node("a"), node("b"), node("of-b", "b"), node("of-a", "a")]);
    expect(found.row[3]).toBeLessThan(found.row[2] ?? -1);
  });

  it("takes nothing", () => {
    expect(arrange([])).toEqual({ layer: [], row: [], edges: [], columns: 0, rows: 0 });
  });
});
