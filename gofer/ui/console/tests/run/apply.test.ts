import { describe, expect, it } from "vitest";
import type { GoferEvent } from "../../src/lib/api/types";
import { apply, type RunData } from "../../src/pages/run/apply";
import { attempt, event, graphTask, RUN, taskRun } from "./samples";

const NEW: RunData = {
  run: RUN,
  graph: [graphTask("a"), graphTask("b", ["a"])],
  tasks: [taskRun("a"), taskRun("b")],
  attempts: new Map(),
};

/** The whole life of `a`: it fails once, and is successful then. */
const LIFE: GoferEvent[] = [
  event("run.started", 10),
  event("taskrun.queued", 20, "a"),
  event("taskrun.starting", 30, "a", { attempt: 1 }),
  event("taskrun.running", 40, "a", { attempt: 1 }),
  event("taskrun.retrying", 50, "a", { attempt: 1, reason: "exit_code", detail: "exited", next_at: 60 }),
  event("taskrun.starting", 60, "a", { attempt: 2 }),
  event("taskrun.running", 70, "a", { attempt: 2 }),
  event("taskrun.ended", 80, "a", { status: "successful", exit_code: 0, attempt: 2 }),
  event("run.ended", 90, undefined, { status: "successful" }),
];

describe("events change a run in place", () => {
  it("through its whole life", () => {
    const { run, tasks, attempts } = apply(NEW, LIFE);
    expect(run).toMatchObject({ status: "successful", started_at: 10, ended_at: 90 });
    expect(tasks[0]).toMatchObject({
      status: "successful",
      attempt: 2,
      exit_code: 0,
      reason: "",
      detail: "",
    });
    expect(tasks[0]).toMatchObject({ queued_at: 20, started_at: 40, ended_at: 80, next_attempt_at: null });
    expect(attempts.get("a")).toMatchObject([
      { number: 1, status: "failed", reason: "exit_code", starting_at: 30, running_at: 40, ended_at: 50 },
      { number: 2, status: "successful", starting_at: 60, running_at: 70, ended_at: 80, exit_code: 0 },
    ]);
    expect(tasks[1]).toBe(NEW.tasks[1]);
  });

  it("one by one as together", () => {
    let data = NEW;
    for (const one of LIFE) data = apply(data, [one]);
    expect(data).toEqual(apply(NEW, LIFE));
  });

  it("and never take it back: those older than the picture change nothing", () => {
    const ended = apply(NEW, LIFE);
    expect(apply(ended, LIFE)).toEqual(ended);
    const half = apply(NEW, LIFE.slice(0, 6));
    expect(apply(half, LIFE.slice(0, 5)).tasks).toEqual(half.tasks);
    expect(apply(half, LIFE)).toEqual(ended);
  });

  it("in a backoff it is known why, and when it goes on", () => {
    const { tasks } = apply(NEW, LIFE.slice(0, 5));
    expect(tasks[0]).toMatchObject({
      status: "queued",
      reason: "exit_code",
      detail: "exited",
      next_attempt_at: 60,
    });
  });

  it("those of others are not its own", () => {
    const other = LIFE.map((one) => ({ ...one, run: 4 }));
    expect(apply(NEW, other)).toBe(NEW);
    expect(
      apply(
        NEW,
        LIFE.map((one) => ({ ...one, namespace: "else" })),
      ),
    ).toBe(NEW);
  });

  it("says how far an image is", () => {
    const starting = apply(NEW, LIFE.slice(0, 3));
    const pulling = apply(starting, [event("image.pulling", 35, "a", { image: "a:1", detail: "3 of 9 MB" })]);
    expect(pulling.tasks[0]?.detail).toBe("a:1: 3 of 9 MB");
    expect(apply(pulling, LIFE.slice(3, 4)).tasks[0]?.detail).toBe("");
  });

  it("what was cancelled before its turn has no attempt", () => {
    const said = { status: "cancelled", reason: "run_cancelled", detail: "ended while it waited" };
    const { run, tasks, attempts } = apply(NEW, [
      event("run.cancelling", 15),
      event("taskrun.ended", 16, "b", said),
    ]);
    expect(run.cancel_requested_at).toBe(15);
    expect(tasks[1]).toMatchObject(said);
    expect(attempts.size).toBe(0);
  });

  it("keeps what was loaded of an attempt", () => {
    const loaded = new Map([["a", [attempt("a", 1, { status: "running", uid: "known", starting_at: 30 })]]]);
    const data = { ...NEW, tasks: [taskRun("a", { status: "running", attempt: 1 })], attempts: loaded };
    const { attempts } = apply(data, [
      event("taskrun.ended", 80, "a", { status: "failed", exit_code: 3, attempt: 1 }),
    ]);
    expect(attempts.get("a")).toMatchObject([{ uid: "known", status: "failed", exit_code: 3, ended_at: 80 }]);
  });

  it("many thousand at once", () => {
    const tasks = Array.from({ length: 2000 }, (_, i) => taskRun(`t${i}`));
    const events = tasks.flatMap(({ id }) => [
      event("taskrun.queued", 1, id),
      event("taskrun.starting", 2, id, { attempt: 1 }),
      event("taskrun.running", 3, id, { attempt: 1 }),
      event("taskrun.ended", 4, id, { status: "successful", attempt: 1 }),
    ]);
    const data = apply({ ...NEW, tasks }, events);
    expect(data.tasks.every((task) => task.status === "successful")).toBe(true);
    expect(data.attempts.size).toBe(2000);
  });
});
