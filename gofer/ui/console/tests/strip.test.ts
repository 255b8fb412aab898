import { describe as about, expect, it } from "vitest";
import { spark } from "../src/lib/sparkline";
import { describe, median, tookOf } from "../src/lib/strip";

const run = { id: 12, status: "failed", created_at: 1_000, started_at: 2_000, ended_at: 202_000 };

about("runs of a strip", () => {
  it("say what they are", () => {
    expect(describe(run)).toMatch(/^Run 12, failed after 3 m 20 s, 1970-01-01 /);
    expect(describe({ id: 1, status: "queued", created_at: 0 })).toMatch(/^Run 1, queued, 19/);
  });

  it("took what lies between start and end", () => {
    expect(tookOf(run)).toBe(200_000);
    expect(tookOf({ ...run, ended_at: null })).toBeNull();
    expect(tookOf({ ...run, started_at: null })).toBeNull();
    expect(tookOf({ ...run, ended_at: 1_000 })).toBe(0);
  });
});

about("the median", () => {
  it("is the middle, or the middle of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(median([])).toBeUndefined();
  });
});

about("a sparkline", () => {
  it("goes from left to right, the highest at the top", () => {
    const { line, end } = spark([0, 10], 100, 25);
    expect(line).toBe("M2.5 22.5L97.5 2.5");
    expect(end).toEqual({ x: 97.5, y: 2.5 });
  });

  it("passes over gaps", () => {
    expect(spark([10, null, 10], 100, 25).line).toBe("M2.5 2.5L97.5 2.5");
  });

  it("is nothing where there are not two values to compare", () => {
    for (const values of [[], [5], [null], [null, 5, null]])
      expect(spark(values, 100, 25)).toEqual({ line: "", area: "", end: undefined });
  });
});
