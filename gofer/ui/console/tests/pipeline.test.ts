import { describe, expect, it } from "vitest";
import type { Comparison, Diff, GridRun, Manifest } from "../src/lib/api/types";
import { ApiError } from "../src/lib/api/client";
import { choicesOf, given, placed, textsOf, type Parameter } from "../src/lib/parameters";
import { figureRows } from "../src/pages/pipeline/compared";
import { bodyOf, differs, isComplete } from "../src/pages/pipeline/deploy";
import { flowOf } from "../src/pages/pipeline/flow";
import { heightsOf, rowsOf } from "../src/pages/pipeline/rows";
import { amount, bytes, written } from "../src/pages/pipeline/words";

const parameter = (name: string, change: Partial<Parameter> = {}): Parameter => ({
  name,
  type: "string",
  description: "",
  default: null,
  choices: [],
  required: false,
  ...change,
});

describe("parameters in a form", () => {
  const declared = [
    parameter("DAY", { required: true }),
    parameter("TRIES", { type: "integer", default: 3 }),
    parameter("SHARE", { type: "number" }),
    parameter("DRY", { type: "boolean" }),
    parameter("NOTE", { default: "usual" }),
  ];

  it("begin with what was given, else with the defaults", () => {
    expect(textsOf(declared, { DAY: "monday", TRIES: 0 })).toEqual({
      DAY: "monday",
      TRIES: "0",
      SHARE: "",
      DRY: "",
      NOTE: "usual",
    });
  });

  it("give what differs from the defaults, as it was written", () => {
    const texts = { DAY: " x ", TRIES: "many", SHARE: "0.5", DRY: "false", NOTE: "" };
    expect(given(declared, texts)).toEqual(texts);
    expect(given(declared, { ...textsOf(declared), DAY: "x" })).toEqual({ DAY: "x" });
  });

  it("have what the server says of them at their fields", () => {
    const wrong = { place: "parameters.TRIES", message: "expected an integer" };
    expect(placed(new ApiError(422, "no", "", [wrong]))).toEqual({
      fields: { TRIES: "expected an integer" },
      others: false,
    });
    expect(placed(new ApiError(422, "no", "", [wrong, { place: "version", message: "?" }])).others).toBe(
      true,
    );
    expect(placed(new ApiError(409, "It is disabled."))).toEqual({ fields: {}, others: true });
    expect(placed(new Error("?")).others).toBe(true);
    expect(placed(undefined)).toEqual({ fields: {}, others: false });
  });

  it("know what may be chosen", () => {
    expect(choicesOf(parameter("A", { choices: [1, 2] }))).toEqual(["1", "2"]);
    expect(choicesOf(parameter("A", { type: "boolean" }))).toEqual(["true", "false"]);
    expect(choicesOf(parameter("A"))).toBeUndefined();
  });
});

const run = (id: number, ...tasks: string[]): GridRun => ({
  id,
  status: "successful",
  created_at: 0,
  started_at: 0,
  ended_at: 10,
  version: 1,
  task_count: tasks.length,
  tasks: tasks.map((task) => ({ id: task, status: "successful", attempt: 1, started_at: 0, ended_at: 1 })),
});

describe("the grid", () => {
  it("has the newest run's tasks first, and a hole where a run had no such task", () => {
    const rows = rowsOf([run(1, "old", "a"), run(2, "a", "b")]);
    expect(rows.map((row) => [row.id, row.cells.map((cell) => cell?.id)])).toEqual([
      ["a", ["a", "a"]],
      ["b", [undefined, "b"]],
      ["old", ["old", undefined]],
    ]);
  });

  it("draws each run beside the longest", () => {
    expect(heightsOf([5, 10, null])).toEqual([0.5, 1, 0]);
    expect(heightsOf([])).toEqual([]);
  });
});

describe("the graph", () => {
  it("has what each task waits for, and how the run left it", () => {
    const manifest = {
      id: "p",
      tasks: [
        { id: "a", image: "busybox" },
        { id: "b", common_task: "mail", depends_on: [{ task: "a", when: "any" }] },
      ],
    } as unknown as Manifest;
    expect(flowOf(manifest, run(1, "a"))).toEqual([
      { id: "a", note: "busybox", parents: [], status: "successful" },
      { id: "b", note: "mail", parents: [{ id: "a", when: "any" }], status: "" },
    ]);
  });
});

describe("figures", () => {
  it("stand with their bounds, and with nothing where nothing was measured", () => {
    const found = {
      old: { duration_median: { value: 2000 } },
      new: { success_rate: { value: 90, low: 80.04, high: 95 } },
      difference: { success_rate: { value: 2, verdict: "better" } },
    } as unknown as Comparison;
    const [success, median] = figureRows(found);
    expect(success).toEqual({
      name: "Success rate",
      old: "–",
      new: "90.0 % (80.0 % to 95.0 %)",
      difference: "+2.0 points",
      verdict: "better",
    });
    expect([median?.old, median?.new, median?.verdict]).toEqual(["2.0 s", "–", ""]);
  });
});

describe("words", () => {
  it("count, weigh and quote", () => {
    expect([amount(1, "runs"), amount(0, "runs")]).toEqual(["1 run", "0 runs"]);
    expect([bytes(0), bytes(999), bytes(1500), bytes(2e12)]).toEqual(["0 B", "999 B", "1.5 kB", "2.0 TB"]);
    expect([written("x"), written(null), written([1])]).toEqual(["x", "", "[\n  1\n]"]);
  });
});

describe("another version is to go live", () => {
  const wanted = { strategy: "canary", percent: "12.5", runs: "7", manual: false } as const;

  it("asks the server for what was chosen, and for nothing else", () => {
    expect(bodyOf(3, { ...wanted, strategy: "instant" })).toEqual({ version: 3 });
    expect(bodyOf(3, wanted)).toEqual({ version: 3, strategy: "canary", percent: 12.5, runs: 7 });
    expect(bodyOf(3, { ...wanted, manual: true })).toEqual({
      version: 3,
      strategy: "canary",
      percent: 12.5,
      manual: true,
    });
    expect(bodyOf(3, { ...wanted, strategy: "ab" })).toEqual({ version: 3, strategy: "ab", percent: 12.5 });
  });

  it("is not asked for with a share that is none", () => {
    expect(isComplete(wanted)).toBe(true);
    for (const percent of ["", "0", "100", "-1", "many"])
      expect(isComplete({ ...wanted, percent })).toBe(false);
    for (const runs of ["", "0", "1.5", "x"]) {
      expect(isComplete({ ...wanted, runs })).toBe(false);
      expect(isComplete({ ...wanted, runs, manual: true })).toBe(true);
    }
    expect(isComplete({ ...wanted, strategy: "instant", percent: "" })).toBe(true);
  });

  it("says in a line what differs", () => {
    const of = (...paths: string[]): Diff => ({
      namespace: "default",
      pipeline: "p",
      from_version: 1,
      to_version: 2,
      changes: paths.map((path) => ({ kind: "changed", path, task: "", field: "", before: 1, after: 2 })),
    });
    expect(differs(of())).toBe("Nothing differs.");
    expect(differs(of("a"))).toBe("1 change: a changed.");
    expect(differs(of("a", "b", "c", "d", "e"), 2)).toBe("5 changes: a changed, b changed, and 3 more.");
  });
});
