import { describe, expect, it } from "vitest";
import { counts, failures, flowTasks, order, statusOf } from "../../src/pages/run/groups";
import { initiatorOf } from "../../src/pages/run/initiator";
import { joined, saidBy } from "../../src/pages/run/told";
import { whyOf } from "../../src/pages/run/why";
import { event, graphTask, RUN, taskRun } from "./samples";

const GRAPH = [
  graphTask("last", ["wide"]),
  graphTask("wide", ["first"], ["wide-a", "wide-b"]),
  graphTask("first"),
];
const TASKS = [
  taskRun("last"),
  taskRun("wide-a", { status: "successful" }),
  taskRun("wide-b", { status: "running" }),
  taskRun("first", { status: "successful" }),
];

describe("task runs put together", () => {
  it("are one node for each task", () => {
    expect(flowTasks(GRAPH, TASKS)).toMatchObject([
      { id: "last", status: "waiting", parents: [{ id: "wide", when: "successful" }] },
      { id: "wide", status: "running", total: 2, ended: 1 },
      { id: "first", status: "successful", note: "first:1" },
    ]);
    expect(flowTasks(GRAPH, TASKS)[0]).not.toHaveProperty("total");
  });

  it("have the status that tells most", () => {
    const of = (...statuses: (typeof RUN.status | "waiting" | "skipped")[]): string =>
      statusOf(statuses.map((status) => taskRun("x", { status })));
    expect(of("successful", "failed", "running")).toBe("failed");
    expect(of("successful", "running", "waiting")).toBe("running");
    expect(of("successful", "skipped")).toBe("successful");
    const mayFail = taskRun("x", { status: "failed", allow_failure: true });
    expect(statusOf([mayFail, taskRun("y", { status: "successful" })])).toBe("successful");
    expect(statusOf([mayFail, mayFail])).toBe("failed");
  });

  it("stand behind their parents", () => {
    expect(order(GRAPH)).toEqual(["first", "wide-a", "wide-b", "last"]);
  });

  it("are counted, and what may fail is no failure", () => {
    expect(counts(TASKS)).toEqual([
      { status: "running", count: 1 },
      { status: "waiting", count: 1 },
      { status: "successful", count: 2 },
    ]);
    const failed = taskRun("b", { status: "failed" });
    expect(failures([taskRun("a", { status: "failed", allow_failure: true }), failed])).toEqual([failed]);
  });
});

describe("in words", () => {
  const why = (reason: string, detail = "", exit_code: number | null = null): string =>
    whyOf({ status: "failed", reason, detail, exit_code });

  it("why", () => {
    expect(why("exit_code", "exited with code 3", 3)).toBe("exited with code 3");
    expect(why("oom_killed", "it had 64 MB", 137)).toBe("it had 64 MB (exit code 137)");
    expect(why("parents_unmet")).toBe("parents unmet");
    expect(why("", "", 0)).toBe("");
  });

  it("who", () => {
    const by = (kind: typeof RUN.initiator.kind, name: string) =>
      initiatorOf({ ...RUN, initiator: { kind, name } });
    expect(by("user", "")).toEqual({ text: "a person" });
    expect(by("retry", "2")).toEqual({ text: "retry of run 2", href: "/ui/n/default/p/p/runs/2" });
    expect(by("task", "q/12/dump").href).toBe("/ui/n/default/p/q/runs/12/t/dump");
    expect(by("trigger", "cron/nightly").href).toBe("/ui/system/triggers");
  });

  it("what an event says, each once", () => {
    const told = event("taskrun.ended", 5, "a", {
      status: "failed",
      reason: "exit_code",
      correlation_id: "x",
    });
    expect(saidBy(told)).toBe("status failed, reason exit code");
    const [first, second, third] = [event("a.b", 1), event("a.b", 2), event("a.b", 3)];
    expect(joined([second, third], [second, first])).toEqual([third, second, first]);
    expect(joined([second, third], [])).toEqual([third, second]);
  });
});
