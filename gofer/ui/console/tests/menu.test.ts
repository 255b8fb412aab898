import { expect, test } from "vitest";
import { nextIn } from "../src/lib/menu";

const LABELS = ["Cancel", "Retry", "Delete", "Rename"];

test("arrows go round", () => {
  expect(nextIn(LABELS, -1, "ArrowDown")).toBe(0);
  expect(nextIn(LABELS, 3, "ArrowDown")).toBe(0);
  expect(nextIn(LABELS, 0, "ArrowUp")).toBe(3);
  expect(nextIn(LABELS, -1, "ArrowUp")).toBe(3);
  expect(nextIn(LABELS, 1, "End")).toBe(3);
  expect(nextIn(LABELS, 1, "Home")).toBe(0);
});

test("a letter leads to the next entry that begins with it", () => {
  expect(nextIn(LABELS, 0, "r")).toBe(1);
  expect(nextIn(LABELS, 1, "r")).toBe(3);
  expect(nextIn(LABELS, 3, "R")).toBe(1);
  expect(nextIn(LABELS, 0, "x")).toBeUndefined();
});

test("other keys are not the menu's", () => {
  expect(nextIn(LABELS, 0, "F5")).toBeUndefined();
  expect(nextIn(LABELS, 0, " ")).toBeUndefined();
  expect(nextIn([], -1, "ArrowDown")).toBeUndefined();
});
