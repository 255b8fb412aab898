import { describe, expect, it } from "vitest";
import { before, counted, next, queryOf, spansIn, type Match } from "../../src/pages/log/matches";

const match = (text: string, start: number, ...spans: [number, number][]): Match => [
  1,
  "",
  "stdout",
  text,
  start,
  spans,
];

describe("matches", () => {
  it("are gone through in both directions, round the end", () => {
    const lines = [2, 5, 9];
    expect([1, 2, 5, 9].map((line) => next(lines, line, 1))).toEqual([2, 5, 9, 2]);
    expect([10, 9, 5, 2].map((line) => next(lines, line, -1))).toEqual([9, 5, 2, 9]);
    expect(next([], 1, 1)).toBeUndefined();
    expect(before(lines, 6)).toBe(2);
  });

  it("are counted", () => {
    expect(counted([2, 5], 2, 5, false)).toBe("2 of 2");
    expect(counted([2, 5], 2, 3, false)).toBe("2");
    expect(counted([], 0, 0, false)).toBe("none");
    expect(counted([1], 100_000, 0, true)).toBe("100,000+");
  });

  it("are marked where the text is shown", () => {
    expect(spansIn("an error", match("an error", 0, [3, 8]))).toEqual([[3, 8]]);
    expect(spansIn("0123 error", match("error", 5, [0, 5]))).toEqual([[5, 10]]);
    // A carriage return has hidden what was before.
    expect(spansIn("100 % done", match("50 %\r100 % done", 0, [3, 4], [9, 10]))).toEqual([[4, 5]]);
  });

  it("are asked for as the reader says", () => {
    expect(queryOf({ pattern: "a.b", isRegex: false, isCase: false })).toEqual({
      pattern: "a.b",
      literal: true,
      ignore_case: true,
    });
  });
});
