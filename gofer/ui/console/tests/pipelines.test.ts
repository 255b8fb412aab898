import { describe, expect, it } from "vitest";
import type { GoferEvent, PipelineOverview } from "../src/lib/api/types";
import { drawn } from "../src/lib/rows";
import { applied, successRate } from "../src/pages/pipelines/apply";
import { choiceOf, isAmong, isFailing, matches, sorted, sortText } from "../src/pages/pipelines/choose";
import { layoutOf } from "../src/pages/pipelines/layout";

type Mark = PipelineOverview["last_runs"][number];

const mark = (id: number, status: Mark["status"], took = 10): Mark => ({
  id,
  status,
  created_at: id * 1000,
  started_at: id * 1000,
  ended_at: status === "running" || status === "queued" ? null : id * 1000 + took,
});

const pipeline = (id: string, change: Partial<PipelineOverview> = {}): PipelineOverview => ({
  id,
  name: "",
  description: "",
  enabled: true,
  version: 1,
  holds: [],
  deployment: null,
  tasks: [],
  task_count: 0,
  runs: 0,
  last_runs: [],
  success_rate: null,
  running: 0,
  queued: 0,
  next_start: null,
  ...change,
});

const ids = (items: readonly PipelineOverview[]): string[] => items.map(({ id }) => id);

describe("the choice", () => {
  it("is read from the address, and what that does not know is left out", () => {
    const choice = choiceOf(new URLSearchParams("q=etl+x&show=failing&sort=-took"));
    expect(choice).toEqual({ text: "etl x", shown: "failing", sort: "took", reversed: true });
    expect(choiceOf(new URLSearchParams("show=?&sort=-?"))).toEqual({
      text: "",
      shown: "all",
      sort: "name",
      reversed: true,
    });
  });

  it("is written shortly", () => {
    expect(["", "-name", "took", "-took"]).toEqual([
      sortText("name", false),
      sortText("name", true),
      sortText("took", false),
      sortText("took", true),
    ]);
  });

  it("takes every word, wherever it stands", () => {
    const item = pipeline("etl-night", { name: "Load", description: "Copies Orders" });
    for (const text of ["", "ORDERS etl", " lo "]) expect(matches(item, text), text).toBe(true);
    expect(matches(item, "etl day")).toBe(false);
  });

  it("knows what fails, what is busy and what is off", () => {
    const failing = pipeline("a", {
      last_runs: [mark(1, "failed"), mark(2, "cancelled"), mark(3, "running")],
    });
    expect(isFailing(failing)).toBe(true);
    expect(isFailing(pipeline("b", { last_runs: [mark(1, "failed"), mark(2, "successful")] }))).toBe(false);
    expect(isAmong(pipeline("c", { queued: 1 }), "busy", false)).toBe(true);
    expect(isAmong(pipeline("d", { enabled: false }), "off", false)).toBe(true);
    expect(isAmong(pipeline("e", { holds: ["paused"] }), "off", false)).toBe(true);
    expect(isAmong(pipeline("f", { holds: ["frozen"] }), "off", false)).toBe(false);
    expect(isAmong(pipeline("g"), "favourites", true)).toBe(true);
  });
});

describe("the order", () => {
  const none = (): boolean => false;

  it("of names minds numbers, and favourites come first", () => {
    const items = [pipeline("p10"), pipeline("p9"), pipeline("z")];
    expect(ids(sorted(items, { sort: "name", reversed: false }, (id) => id === "z"))).toEqual([
      "z",
      "p9",
      "p10",
    ]);
    expect(ids(sorted(items, { sort: "name", reversed: true }, none))).toEqual(["z", "p10", "p9"]);
  });

  it("begins with what one looks for, and what has no value comes last either way", () => {
    const items = [
      pipeline("none"),
      pipeline("slow", { last_runs: [mark(1, "successful", 90)], success_rate: 1 }),
      pipeline("quick", {
        last_runs: [mark(2, "failed", 5), mark(3, "running")],
        success_rate: 0,
        running: 1,
      }),
    ];
    const by = (sort: "last" | "took" | "success" | "now", reversed = false): string[] =>
      ids(sorted(items, { sort, reversed }, none));
    expect(by("last")).toEqual(["quick", "slow", "none"]);
    expect(by("took")).toEqual(["slow", "quick", "none"]);
    expect(by("took", true)).toEqual(["quick", "slow", "none"]);
    expect(by("success")).toEqual(["quick", "slow", "none"]);
    expect(by("now")).toEqual(["quick", "none", "slow"]);
  });
});

describe("events", () => {
  const event = (kind: string, more: Partial<GoferEvent> = {}): GoferEvent => ({
    seq: 1,
    at: 9_000,
    kind,
    namespace: "default",
    pipeline: "p",
    ...more,
  });
  const of = (item: PipelineOverview, ...events: GoferEvent[]): PipelineOverview | undefined =>
    applied(events, "default", () => item).changed.get("p");

  it("take a run through its life", () => {
    const before = pipeline("p", { runs: 1, last_runs: [mark(1, "failed")], success_rate: 0 });
    const queued = of(before, event("run.queued", { run: 2 }));
    expect([queued?.runs, queued?.queued, queued?.last_runs.at(-1)?.status]).toEqual([2, 1, "queued"]);
    const started = of(before, event("run.queued", { run: 2 }), event("run.started", { run: 2 }));
    expect([started?.running, started?.queued, started?.last_runs.at(-1)?.started_at]).toEqual([1, 0, 9_000]);
    const ended = of(
      before,
      event("run.queued", { run: 2 }),
      event("run.started", { run: 2 }),
      event("run.ended", { run: 2, at: 9_500, data: { status: "successful" } }),
    );
    expect([ended?.running, ended?.success_rate, ended?.last_runs.at(-1)?.ended_at]).toEqual([0, 0.5, 9_500]);
    expect(before.last_runs).toHaveLength(1);
  });

  it("change nothing that is known already, or that is gone from the strip", () => {
    const item = pipeline("p", { last_runs: [mark(5, "successful")] });
    expect(of(item, event("run.queued", { run: 5 }))).toBeUndefined();
    expect(of(item, event("run.started", { run: 5 }))).toBeUndefined();
    expect(of(item, event("run.ended", { run: 1, data: { status: "failed" } }))).toBeUndefined();
  });

  it("keep the strip at 30 runs", () => {
    const runs = Array.from({ length: 30 }, (_, i) => mark(i + 1, "successful"));
    const item = of(pipeline("p", { last_runs: runs }), event("run.queued", { run: 31 }));
    expect([item?.last_runs.length, item?.last_runs[0]?.id]).toEqual([30, 2]);
  });

  it("name what is to be looked up: of this namespace, and of what a column tells", () => {
    const found = applied(
      [
        event("pipeline.created", { pipeline: "new" }),
        event("hold.set"),
        event("taskrun.started", { pipeline: "busy" }),
        event("run.queued", { namespace: "other", pipeline: "foreign" }),
        event("namespace.created", { pipeline: undefined as never }),
      ],
      "default",
      () => undefined,
    );
    expect([...found.stale]).toEqual(["new", "p"]);
    expect(found.changed.size).toBe(0);
  });
});

describe("the success rate", () => {
  it("leaves out what was cancelled or has not ended", () => {
    expect(successRate([mark(1, "cancelled"), mark(2, "running")])).toBeNull();
    expect(successRate([mark(1, "cancelled"), mark(2, "failed"), mark(3, "successful")])).toBe(0.5);
  });
});

describe("the rows that are drawn", () => {
  it("are those that are seen and some around them", () => {
    expect(drawn(1000, 50, 5000, 500, 2)).toEqual({ from: 98, to: 112, before: 4900, after: 44_400 });
    expect(drawn(1000, 50, -200, 500, 2)).toEqual({ from: 0, to: 8, before: 0, after: 49_600 });
  });

  it("are none of a list that was scrolled past, whatever it has become", () => {
    expect(drawn(3, 50, 5000, 500, 2)).toEqual({ from: 3, to: 3, before: 150, after: 0 });
  });
});

describe("the layout", () => {
  it("never draws runs narrower than they can be hit, nor more than fit", () => {
    for (let width = 340; width < 3000; width += 7) {
      const { run, room, name } = layoutOf(width);
      expect(run).toBeGreaterThanOrEqual(14);
      if (name === "narrow") expect(room * run - 2).toBeLessThanOrEqual(width - 25.9);
    }
  });

  it("leaves to the names what short histories do not need", () => {
    expect([0, 4, 11, 30].map((runs) => layoutOf(1248, runs).room)).toEqual([10, 10, 20, 30]);
    expect(layoutOf(1248).room).toBe(30);
  });
});
