import { expect, test } from "vitest";
import { iconOf, titleOf } from "../src/lib/head";

const run = { namespace: "default", pipeline: "nightly", run: 12 };

test("a tab is called after what it shows, the narrowest first", () => {
  expect(titleOf({ page: "log", ...run, task: "dump" }, "failed")).toBe("✗ dump · nightly #12 · Gofer");
  expect(titleOf({ page: "run", ...run }, "running")).toBe("▶ nightly #12 · Gofer");
  expect(titleOf({ page: "run", ...run }, "")).toBe("nightly #12 · Gofer");
  expect(titleOf({ page: "pipelines", namespace: "team-a" }, "")).toBe("team-a · Gofer");
  expect(titleOf({ page: "system", section: "tokens" }, "")).toBe("System: tokens · Gofer");
});

test("its picture is Gofer's own, or the status of the run", () => {
  expect(iconOf("")).toBe("/login.svg");
  expect(iconOf("no such status")).toBe("/login.svg");
  const icons = ["queued", "running", "successful", "failed", "cancelled"].map(iconOf);
  expect(new Set(icons).size).toBe(5);
  for (const icon of icons) expect(icon).toMatch(/^data:image\/svg\+xml,%3Csvg/);
});
