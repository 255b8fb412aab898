import { describe, expect, it } from "vitest";
import { Folds } from "../../src/pages/log/folds";
import type { Line } from "../../src/pages/log/line";
import { rowsOf, type RowSource } from "../../src/pages/log/rows";

const lines = Array.from({ length: 10 }, (_, at): Line => [at + 1, "", "stdout", `line ${at + 1}`]);
const source: RowSource = {
  line: (index) => lines[index - 1],
  folds: new Folds([]),
  groups: undefined,
  chosen: undefined,
  expanded: new Set(),
  isWhole: true,
};

describe("rows", () => {
  it("has what a selection holds, in order", () => {
    const rows = rowsOf(source, 4, 6, [9, 2], []);
    expect(rows.map((row) => row.index)).toEqual([2, 4, 5, 6, 9]);
    expect(rows.map((row) => row.isAway)).toEqual([true, false, false, false, true]);
  });

  it("takes over what is still the same", () => {
    const before = rowsOf(source, 1, 4, [], []);
    const after = rowsOf(source, 3, 6, [], before);
    expect(after.map((row) => before.includes(row))).toEqual([true, true, false, false]);
  });

  it("makes anew what has changed", () => {
    const before = rowsOf(source, 1, 4, [], []);
    const line = (index: number): Line | undefined =>
      index === 2 ? [2, "", "stdout", "rewritten"] : lines[index - 1];
    const after = rowsOf({ ...source, line, chosen: { first: 4, last: 4 } }, 1, 4, [], before);
    expect(after.map((row, at) => row === before[at])).toEqual([true, false, true, false]);
    expect(after[1]?.line?.[3]).toBe("rewritten");
    expect(after[3]?.isChosen).toBe(true);
  });
});
