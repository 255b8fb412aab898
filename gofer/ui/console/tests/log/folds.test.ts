import { expect, test } from "vitest";
import { folded, Folds, type Group } from "../../src/pages/log/folds";

function group(first: number, last: number | null, failed = false): Group {
  return { first, last, title: "", depth: 0, failed, expanded: false, started_at: null, ended_at: null };
}

test("without folds a row is a line", () => {
  const folds = new Folds();
  expect([folds.rows(100), folds.rowOf(7), folds.lineOf(7), folds.isHidden(7)]).toEqual([100, 7, 7, false]);
});

test("rows and lines, for every line of some folds", () => {
  const hidden = new Set([3, 4, 5, 11, 12, 19, 20]);
  const folds = new Folds([
    group(2, 5),
    group(3, 4),
    group(10, 12),
    group(18, 20),
    group(15, 15),
    group(16, null),
  ]);
  const shown = Array.from({ length: 20 }, (_, at) => at + 1).filter((line) => !hidden.has(line));
  expect(folds.rows(20)).toBe(shown.length);
  expect(shown.map((_, at) => folds.lineOf(at + 1))).toEqual(shown);
  for (let line = 1; line <= 20; line++) {
    expect(folds.isHidden(line)).toBe(hidden.has(line));
    expect(folds.rowOf(line)).toBe(shown.filter((one) => one <= line).length);
  }
});

test("groups of which one ends within the other leave each line out once", () => {
  const folds = new Folds([group(1, 6), group(4, 9)]);
  expect(Array.from({ length: folds.rows(12) }, (_, at) => folds.lineOf(at + 1))).toEqual([1, 10, 11, 12]);
});

test("a failed group is open by itself, one that goes on, and one with a line to be seen; the reader has the last word", () => {
  const all = [group(1, 5), group(6, 9, true), group(10, null), { ...group(12, 14), expanded: true }];
  const firsts = (decided: [number, boolean][], revealed?: number): number[] =>
    folded(all, new Map(decided), revealed).map((one) => one.first);
  expect(firsts([])).toEqual([1]);
  expect(firsts([], 5)).toEqual([]);
  expect(firsts([], 1)).toEqual([1]);
  expect(firsts([[1, true]], 5)).toEqual([1]); // prettier-ignore
  expect(
    firsts([
      [1, false],
      [6, true],
    ]),
  ).toEqual([6]);
});
