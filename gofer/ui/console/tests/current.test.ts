import { expect, test } from "vitest";
import { isOf, statusIn } from "../src/lib/current.svelte";

const event = { seq: 1, at: 0, kind: "run.ended", namespace: "default", pipeline: "nightly", run: 3 };

test("events of a run tell its status; those of its tasks do not", () => {
  expect(statusIn({ ...event, data: { status: "failed" } })).toBe("failed");
  expect(statusIn({ ...event, kind: "run.started" })).toBe("running");
  expect(statusIn({ ...event, kind: "run.cancelling" })).toBeUndefined();
  expect(statusIn({ ...event, kind: "taskrun.ended", data: { status: "failed" } })).toBeUndefined();
});

test("of which run an event is", () => {
  expect(isOf(event, { namespace: "default", pipeline: "nightly", run: 3 })).toBe(true);
  expect(isOf(event, { namespace: "default", pipeline: "nightly", run: 4 })).toBe(false);
  expect(isOf(event, { namespace: "other", pipeline: "nightly", run: 3 })).toBe(false);
});
