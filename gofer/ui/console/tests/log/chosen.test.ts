import { expect, test } from "vitest";
import { choose, readChosen, readLines, writeChosen } from "../../src/pages/log/chosen";
import { stamp } from "../../src/pages/log/stamp";

test("lines in the address", () => {
  expect(readChosen("#L120")).toEqual({ first: 120, last: 120 });
  expect(readChosen("#L140-L120")).toEqual({ first: 120, last: 140 });
  for (const bad of ["", "#L0", "#120", "#L1-", "#L1x", "#L99999999999999999"])
    expect(readChosen(bad)).toBeUndefined();
  for (const hash of ["#L7", "#L7-L9"]) expect(writeChosen(readChosen(hash))).toBe(hash);
  expect(writeChosen(undefined)).toBe("");
});

test("a click chooses, a second one lets go, one with shift extends from the first", () => {
  const one = choose(undefined, 5, 5, false);
  expect(one).toEqual({ first: 5, last: 5 });
  expect(choose(one, 5, 5, false)).toBeUndefined();
  const range = choose(one, 5, 9, true);
  expect(range).toEqual({ first: 5, last: 9 });
  expect(choose(range, 5, 2, true)).toEqual({ first: 2, last: 5 });
  expect(choose(undefined, 0, 3, true)).toEqual({ first: 3, last: 3 });
});

test("lines as a reader writes them", () => {
  expect(readLines(" 1,200 ")).toEqual({ first: 1200, last: 1200 });
  expect(readLines("L12 - l10")).toEqual({ first: 10, last: 12 });
  for (const bad of ["", "x", "0", "1-", "-5"]) expect(readLines(bad)).toBeUndefined();
});

test("times of lines", () => {
  const time = "2026-11-21T13:36:22.123456789Z";
  const start = Date.parse("2026-11-21T12:35:20Z");
  expect(stamp(time, "off", start)).toBe("");
  expect(stamp(time, "utc", start)).toBe("2026-11-21 13:36:22.123Z");
  expect(stamp(time, "relative", start)).toBe("1:01:02.123");
  expect(stamp(time, "relative", Date.parse(time) + 1500)).toBe("00:00.000");
  expect(stamp(time, "local", start)).toMatch(/^2026-11-2\d \d\d:\d\d:22\.123$/);
});
