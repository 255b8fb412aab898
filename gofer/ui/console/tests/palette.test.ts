import { expect, test } from "vitest";
import { rank, runIn, type Entry } from "../src/lib/palette";

const named = (...labels: string[]): Entry[] => labels.map((label) => ({ label, kind: "Pipeline" }));
const labels = (found: Entry[]): string[] => found.map((one) => one.label);

test("without a query everything stands as it comes", () => {
  expect(labels(rank(" ", named("b", "a")))).toEqual(["b", "a"]);
});

test("the name itself, then what begins with it, then words in it, then parts, then letters in order", () => {
  const found = rank("dump", named("de-ump-x", "xdump", "my-dump", "dump-weekly", "dump", "other"));
  expect(labels(found)).toEqual(["dump", "dump-weekly", "my-dump", "xdump", "de-ump-x"]);
});

test("all words have to fit, in any order", () => {
  expect(labels(rank("week dump", named("dump", "dump-weekly", "weekly")))).toEqual(["dump-weekly"]);
});

test("a favourite stands before its equals, and not before what fits better", () => {
  const entries = [...named("dump-a", "xdump"), { label: "dump-b", kind: "Favourite", favourite: true }];
  expect(labels(rank("dump", entries))).toEqual(["dump-b", "dump-a", "xdump"]);
});

test("other words lead to it too, and less so than its name", () => {
  const entries = [{ label: "etl", kind: "Pipeline", words: "Nightly load" }, ...named("nightly")];
  expect(labels(rank("nightly", entries))).toEqual(["nightly", "etl"]);
});

test("a pipeline and a number are a run", () => {
  expect(runIn("nightly 12")).toEqual({ pipeline: "nightly", run: 12 });
  expect(runIn(" nightly #12 ")).toEqual({ pipeline: "nightly", run: 12 });
  expect(runIn("nightly#12")).toEqual({ pipeline: "nightly", run: 12 });
  for (const none of ["nightly", "12", "#12", "nightly 0", "nightly 1x"]) expect(runIn(none)).toBeUndefined();
});
