import { describe, expect, it } from "vitest";
import type { Comparison, GridRun, Manifest } from "../src/lib/api/types";
import { ApiError } from "../src/lib/api/client";
import { choicesOf, given, placed, textsOf, type Parameter } from "../src/lib/parameters";
import { figureRows } from "../src/pages/pipeline/compared";
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
