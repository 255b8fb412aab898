import { describe, expect, it } from "vitest";
import {
  bars as barsOf,
  markName,
  marks,
  rootsOf,
  spanOf,
  titleOf,
  type Bar,
  type Span,
} from "../../src/pages/run/bars";
import type { TaskAttempt, TaskRun } from "../../src/lib/api/types";
import { attempt, graphTask, RUN, taskRun } from "./samples";

const SPAN = { from: 0, to: 100 };
const ended = { status: "failed", starting_at: 20, running_at: 25, ended_at: 40 } as const;

/** Of a task with parents. */
const bars = (task: TaskRun, attempts: readonly TaskAttempt[], span: Span): Bar[] =>
  barsOf(task, attempts, span, false);

describe("bars of a task without parents", () => {
  const phases = (...given: Parameters<typeof barsOf>): string[] =>
    barsOf(...given).map((bar) => `${bar.phase} ${bar.from}-${bar.to}`);

  it("wait for their turn from the beginning on", () => {
    expect(phases(taskRun("a"), [], SPAN, true)).toEqual(["queued 0-100"]);
    expect(phases(taskRun("a", { status: "queued", queued_at: 30 }), [], SPAN, true)).toEqual([
      "queued 0-100",
    ]);
    const task = taskRun("a", { status: "failed", queued_at: 10, attempt: 1 });
    expect(phases(task, [attempt("a", 1, ended)], SPAN, true)).toEqual([
      "queued 0-20",
      "starting 20-25",
      "running 25-40",
    ]);
  });

  it("are known from the graph, with all of a matrix", () => {
    const graph = [graphTask("a", [], ["a-1", "a-2"]), graphTask("b", ["a"])];
    expect([...rootsOf(graph)]).toEqual(["a-1", "a-2"]);
  });
});

describe("bars of a task run", () => {
  it("tell waiting, starting, running and backoff apart", () => {
    const task = taskRun("a", {
      status: "successful",
      queued_at: 10,
      started_at: 25,
      ended_at: 90,
      attempt: 2,
    });
    const two = attempt("a", 2, { starting_at: 60, running_at: 70, ended_at: 90 });
    expect(bars(task, [attempt("a", 1, ended), two], SPAN)).toEqual([
      { phase: "waiting", from: 0, to: 10, attempt: 0, status: "" },
      { phase: "queued", from: 10, to: 20, attempt: 0, status: "" },
      { phase: "starting", from: 20, to: 25, attempt: 1, status: "failed" },
      { phase: "running", from: 25, to: 40, attempt: 1, status: "failed" },
      { phase: "backoff", from: 40, to: 60, attempt: 0, status: "" },
      { phase: "starting", from: 60, to: 70, attempt: 2, status: "successful" },
      { phase: "running", from: 70, to: 90, attempt: 2, status: "successful" },
    ]);
  });

  it("reach to now while it goes on", () => {
    const phases = (...given: Parameters<typeof bars>): string[] =>
      bars(...given).map((bar) => `${bar.phase} ${bar.from}-${bar.to}`);
    expect(phases(taskRun("a"), [], SPAN)).toEqual(["waiting 0-100"]);
    expect(phases(taskRun("a", { status: "queued", queued_at: 30 }), [], SPAN)).toEqual([
      "waiting 0-30",
      "queued 30-100",
    ]);
    const running = attempt("a", 1, { status: "running", starting_at: 20, running_at: 30 });
    expect(phases(taskRun("a", { status: "running", queued_at: 0, attempt: 1 }), [running], SPAN)).toEqual([
      "queued 0-20",
      "starting 20-30",
      "running 30-100",
    ]);
    const backoff = taskRun("a", { status: "queued", queued_at: 20, attempt: 1 });
    expect(phases(backoff, [attempt("a", 1, ended)], SPAN).at(-1)).toBe("backoff 40-100");
  });

  it("are none of what never had its turn, or ran in an earlier run", () => {
    expect(bars(taskRun("a", { status: "skipped", ended_at: 50 }), [], SPAN)).toEqual([]);
    expect(bars(taskRun("a", { status: "successful", reason: "kept", ended_at: -500 }), [], SPAN)).toEqual(
      [],
    );
  });

  it("end where it was cancelled in a backoff", () => {
    const task = taskRun("a", { status: "cancelled", queued_at: 20, attempt: 1, ended_at: 70 });
    expect(bars(task, [attempt("a", 1, ended)], SPAN).at(-1)).toMatchObject({
      phase: "backoff",
      from: 40,
      to: 70,
    });
  });

  it("say what they are", () => {
    const [, , first] = bars(
      taskRun("a", { status: "failed", queued_at: 5 }),
      [attempt("a", 1, ended)],
      SPAN,
    );
    expect(first && titleOf(first)).toBe("attempt 1, failed: starting 5 ms");
  });
});

describe("the axis", () => {
  it("reaches from the run's start to its end, or to the latest that is known", () => {
    expect(spanOf({ ...RUN, started_at: 1_500, ended_at: 2_000 }, [], 9_000)).toEqual({
      from: 1_500,
      to: 2_000,
    });
    expect(spanOf({ ...RUN, started_at: 1_500 }, [], 9_000)).toEqual({ from: 1_500, to: 9_000 });
    // This browser's clock is late.
    const task = taskRun("a", { started_at: 1_700 });
    expect(spanOf({ ...RUN, started_at: 1_500 }, [task], 1_000)).toEqual({ from: 1_500, to: 1_700 });
  });

  it("has few marks, at round numbers", () => {
    expect(marks(5_200, 8)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
    for (const length of [1, 17, 999, 61_000, 3_600_000, 86_400_000, 9e9])
      for (const most of [1, 4, 12]) expect(marks(length, most).length).toBeLessThanOrEqual(most + 1);
    expect([0, 500, 20_000, 90_000, 7_200_000].map(markName)).toEqual([
      "0",
      "500 ms",
      "20 s",
      "1 m 30 s",
      "2 h",
    ]);
  });
});
