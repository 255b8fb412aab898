import { describe, expect, it } from "vitest";
import { axisMark, bytes, count, inUnit, latest, stacked, total } from "../src/lib/chart";
import { bySeverity } from "../src/lib/checks";
import { alignedData } from "../src/lib/plot";

describe("figures for people", () => {
  it("writes bytes in powers of a thousand, with two digits at least", () => {
    expect([0, 999, 1000, 1500, 9949, 9960, 24e6, 999.6e6, 1e18].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "1.5 kB",
      "9.9 kB",
      "10 kB",
      "24 MB",
      "1.0 GB",
      "1000 PB",
    ]);
  });
  it("writes counts so that thousands can be read", () => {
    expect([0, 1234, 99_999, 1_234_500, 0.256].map(count)).toEqual([
      "0",
      "1,234",
      "99,999",
      "1,234.5 k",
      "0.26",
    ]);
  });
  it("shows what is not known as such", () => {
    expect([inUnit(null, "bytes"), inUnit(undefined, "count"), inUnit(1500, "duration")]).toEqual([
      "–",
      "–",
      "1.5 s",
    ]);
  });
  it("marks axes briefly", () => {
    expect([0, 340, 2000, 90_000, 7_200_000, 172_800_000].map((ms) => axisMark(ms, "duration"))).toEqual([
      "0",
      "340 ms",
      "2 s",
      "1.5 m",
      "2 h",
      "2 d",
    ]);
  });
});

describe("series", () => {
  it("stacks each upon those before it, and what is not known as nothing", () => {
    expect(
      stacked([
        [1, 2],
        [3, null],
        [0, 1],
      ]),
    ).toEqual([
      [1, 2],
      [4, 2],
      [4, 3],
    ]);
  });
  it("draws the highest column first", () => {
    const series = [
      { label: "a", values: [1], colour: "x" },
      { label: "b", values: [2], colour: "y" },
    ];
    expect(alignedData([5000], series, true)).toEqual([[5], [3], [1]]);
    expect(alignedData([5000], series, false)).toEqual([[5], [1], [2]]);
  });
  it("adds up, and finds the newest that is known", () => {
    expect(total([1, null, 2])).toBe(3);
    expect(latest([1, 2, null])).toBe(2);
    expect(latest([null])).toBeNull();
  });
});

describe("findings", () => {
  it("come with the gravest first, else in their order", () => {
    const found = ["ok 1", "warning 1", "error 1", "ok 2", "warning 2"].map((text) => {
      const [level = "", name = ""] = text.split(" ");
      return { level, name };
    });
    expect(bySeverity(found).map((one) => `${one.level} ${one.name}`)).toEqual([
      "error 1",
      "warning 1",
      "warning 2",
      "ok 1",
      "ok 2",
    ]);
  });
});
