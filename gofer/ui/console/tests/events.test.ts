import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { GoferEvent } from "../src/lib/api/types";
import { soon } from "../src/lib/live/soon";
import { bounded } from "../src/pages/events/stretch";
import { askedFor, facts, seqAt, shortened, subjects } from "../src/pages/events/told";

const event = (kind: string, data: Record<string, unknown> = {}, more: object = {}): GoferEvent =>
  ({ seq: 1, at: 0, kind, data, ...more }) as GoferEvent;

describe("a stretch of events", () => {
  it("has the newest in front", () => {
    expect(bounded([2, 1], [3, 4], 9)).toEqual({ kept: [4, 3, 2, 1], dropped: false });
  });
  it("loses its oldest", () => {
    expect(bounded([2, 1], [3, 4], 3)).toEqual({ kept: [4, 3, 2], dropped: true });
    expect(bounded([], [1, 2, 3], 2)).toEqual({ kept: [3, 2], dropped: true });
  });
  it("has one that was asked for, or the next behind it", () => {
    const events = [9, 7, 4].map((seq) => ({ ...event("run.ended"), seq }));
    expect([
      askedFor(events, 7),
      askedFor(events, 5),
      askedFor(events, 10),
      askedFor(events, undefined),
    ]).toEqual([7, 7, undefined, undefined]);
  });
  it("is found by a time", async () => {
    const at = [10, 20, 20, 30];
    const atOf = (after: number): Promise<number | undefined> => Promise.resolve(at[after]);
    expect(await Promise.all([5, 20, 21, 31].map((time) => seqAt(time, 4, atOf)))).toEqual([1, 2, 4, 5]);
  });
});

describe("an event says", () => {
  it("what is of use to a reader", () => {
    const data = { hash: "a".repeat(64), from_version: 0, to_version: 1, correlation_id: "x", detail: "" };
    expect(facts(event("deployment.completed", data))).toEqual([
      { name: "hash", value: "a".repeat(12), whole: "a".repeat(64) },
      { name: "to version", value: "1", whole: "" },
    ]);
  });
  it("long names by both of their ends", () => {
    expect(shortened("nightly", 7)).toBe("nightly");
    expect(shortened("nightly-load-of-orders", 9)).toBe("nigh…ders");
  });
  it("where it leads to", () => {
    const place = { namespace: "default", pipeline: "p", run: 3, task: "t" };
    expect(subjects(event("taskrun.ended", { attempt: 2 }, place)).at(-1)?.href).toBe(
      "/ui/n/default/p/p/runs/3/t/t?attempt=2",
    );
    expect(subjects(event("trigger.failed", { trigger: "cron" }))).toEqual([
      { label: "cron", href: "/ui/system/triggers?trigger=cron" },
    ]);
    expect(subjects(event("token.created"))[0]?.href).toBe("/ui/system/access");
  });
});

describe("work that is asked for", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("cancelAnimationFrame", vi.fn());
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  it("is done once, with the next picture", () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
    const work = vi.fn();
    soon(work);
    frames[0]?.();
    vi.runAllTimers();
    expect(work).toHaveBeenCalledOnce();
  });
  it("is done without one, in a tab that draws none, unless it is called off", () => {
    vi.stubGlobal("requestAnimationFrame", () => 1);
    const [work, other] = [vi.fn(), vi.fn()];
    soon(work);
    soon(other)();
    vi.runAllTimers();
    expect([work.mock.calls.length, other.mock.calls.length]).toEqual([1, 0]);
  });
});
