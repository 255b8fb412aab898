import { expect, test } from "vitest";
import type { Line } from "../../src/pages/log/line";
import { PAGE, pageOf, Pages } from "../../src/pages/log/pages";

const line = (number: number, text = "x".repeat(20)): Line => [number, "", "stdout", text, false];

function filled(pages: Pages, page: number): void {
  for (let index = page * PAGE + 1; index <= (page + 1) * PAGE; index++) pages.put(index, line(index));
}

test("a page tells what it lacks", () => {
  const pages = new Pages(1e9);
  expect(pages.missing(0, 300)).toBe(1);
  pages.put(1, line(1));
  pages.put(3, line(3));
  expect(pages.missing(0, 300)).toBe(2);
  expect(pages.missing(0, 1)).toBeUndefined();
  filled(pages, 0);
  expect(pages.missing(0, 300)).toBeUndefined();
  expect(pages.missing(1, PAGE)).toBeUndefined();
  expect(pages.get(PAGE)?.[0]).toBe(PAGE);
});

test("what is kept stays within its budget, and what is in view stays", () => {
  const pages = new Pages(PAGE * 100 * 4);
  for (let page = 0; page < 20; page++) {
    filled(pages, page);
    pages.trim(0, 0);
    expect(pages.size).toBeLessThanOrEqual(PAGE * 100 * 4);
  }
  expect(pages.get(1)).toBeDefined();
  expect(pages.get(19 * PAGE + 1)).toBeDefined();
  expect(pages.get(5 * PAGE)).toBeUndefined();
  expect(pages.missing(pageOf(5 * PAGE), 1e6)).toBeDefined();
});

test("a line that grows counts once", () => {
  const pages = new Pages(1e9);
  for (let length = 1; length <= 10; length++) pages.put(1, line(1, "x".repeat(length)));
  expect(pages.size).toBe(90);
});
