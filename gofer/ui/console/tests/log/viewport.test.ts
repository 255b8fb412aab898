import { expect, test } from "vitest";
import { Viewport } from "../../src/pages/log/viewport";

const HEIGHT = 600;

/** Plays the browser: rows have the heights that `real` says, which are known only once they are rendered. */
class Screen {
  view = new Viewport(20);
  scrollTop = 0;
  box = 0;
  top = 0;
  first = 1;
  last = 0;

  constructor(
    rows: number,
    readonly real: (row: number) => number,
  ) {
    this.view.rows = rows;
    this.view.height = HEIGHT;
  }

  draw(): this {
    for (let turn = 0; turn < 4; turn++) {
      ({ first: this.first, last: this.last } = this.view.window(500));
      for (let row = this.first; row <= this.last; row++) this.view.measure(row, this.real(row));
      if (this.view.covers()) break;
    }
    const placed = this.view.place();
    this.box = placed.height;
    this.top = placed.top;
    if (placed.scrollTop !== undefined) this.scrollTop = placed.scrollTop;
    return this;
  }

  scroll(by: number): this {
    this.scrollTop = Math.min(Math.max(this.scrollTop + by, 0), this.box - HEIGHT);
    this.view.scrolled(this.scrollTop);
    return this.draw();
  }

  /** Where the top of a row is, from the window's. */
  at(row: number): number {
    expect(row).toBeGreaterThanOrEqual(this.first);
    expect(row).toBeLessThanOrEqual(this.last);
    let top = this.top - this.scrollTop;
    for (let one = this.first; one < row; one++) top += this.real(one);
    return top;
  }

  /** What is in view has no gap. */
  check(): this {
    expect(this.at(this.first)).toBeLessThanOrEqual(0.5);
    expect(this.at(this.last) + this.real(this.last)).toBeGreaterThanOrEqual(HEIGHT - 0.5);
    expect(this.box).toBeLessThanOrEqual(6_000_000);
    return this;
  }
}

const uneven = (row: number): number => 20 * (1 + ((row * 7919) % 11));

test("two million uneven rows: the end, and the beginning", () => {
  const screen = new Screen(2_000_000, uneven);
  screen.view.follow();
  screen.draw().check();
  expect(screen.last).toBe(2_000_000);
  expect(screen.at(2_000_000) + uneven(2_000_000)).toBeCloseTo(HEIGHT);
  expect(screen.scrollTop).toBe(screen.box - HEIGHT);
  screen.scroll(-1e9).check();
  expect(screen.at(1)).toBe(0);
});

test("scrolling by a little moves every row by exactly that, up and down", () => {
  const screen = new Screen(2_000_000, uneven);
  screen.view.show(1_000_000);
  screen.draw().check();
  for (const by of [-100, -37, 240, 5, -450, 333, -1, 450]) {
    const row = screen.view.row;
    const before = screen.at(row);
    screen.scroll(by).check();
    expect(screen.at(row)).toBeCloseTo(before - by);
  }
});

test("the whole of a log is passed by the wheel, with no row left out", () => {
  const screen = new Screen(1000, uneven).draw();
  const seen = new Set<number>();
  for (let turn = 0; turn < 10_000 && !seen.has(1000); turn++) {
    for (let row = screen.view.row; row <= screen.last && screen.at(row) < HEIGHT; row++) seen.add(row);
    screen.scroll(300).check();
    if (turn % 5 === 0) screen.view.sync();
  }
  expect(seen.size).toBe(1000);
  expect(screen.view.following).toBe(true);
});

test("near the ends the wheel moves as far as anywhere, however small the box is", () => {
  const screen = new Screen(2_000_000, uneven);
  screen.view.show(200);
  screen.draw();
  let turns = 0;
  while (screen.first > 1 || screen.at(1) < 0) {
    screen.scroll(-300).check();
    screen.view.sync();
    if ((turns += 1) > 200) break;
  }
  const pixels = Array.from({ length: 199 }, (_, at) => uneven(at + 1)).reduce((a, b) => a + b);
  expect(turns).toBe(Math.ceil(pixels / 300));
});

test("a far jump goes to that share of the rows", () => {
  const screen = new Screen(2_000_000, uneven).draw();
  screen.scroll(screen.box / 2).check();
  expect(screen.view.row).toBeGreaterThan(990_000);
  expect(screen.view.row).toBeLessThan(1_010_000);
});

test("rows that come move nothing while nobody follows, and all while somebody does", () => {
  const screen = new Screen(10_000, uneven);
  screen.view.follow();
  screen.draw();
  screen.scroll(-500);
  const row = screen.view.row;
  const before = screen.at(row);
  const { scrollTop } = screen;
  for (let turn = 0; turn < 50; turn++) {
    screen.view.rows += 1000;
    screen.draw().check();
    expect(screen.at(row)).toBe(before);
    expect(screen.scrollTop).toBe(scrollTop);
  }
  screen.view.follow();
  screen.view.rows += 1000;
  screen.draw().check();
  expect(screen.at(screen.view.rows) + uneven(screen.view.rows)).toBeCloseTo(HEIGHT);
});

test("a smaller window does not count as scrolling up", () => {
  const screen = new Screen(1000, uneven);
  screen.view.follow();
  screen.draw();
  screen.view.height = 300;
  screen.view.sync();
  screen.draw();
  screen.view.scrolled(screen.scrollTop);
  expect(screen.view.following).toBe(true);
});

test("a few rows fill the window from its top, and there is nothing to scroll", () => {
  const screen = new Screen(3, () => 20);
  screen.view.follow();
  screen.draw();
  expect([screen.at(1), screen.box, screen.scrollTop]).toEqual([0, HEIGHT, 0]);
  screen.view.rows = 0;
  screen.draw();
  expect(screen.box).toBe(HEIGHT);
});

test("another width: the same row stays at the top", () => {
  const screen = new Screen(5000, uneven);
  screen.view.show(2500);
  screen.draw();
  screen.view.forget();
  screen.draw();
  expect(screen.at(2500)).toBe(0);
  expect(screen.view.isInView(2500)).toBe(true);
  expect(screen.view.isInView(2499)).toBe(false);
});

test("a tool bar that grows covers the first lines and moves none", () => {
  const screen = new Screen(1000, uneven);
  screen.view.show(500, 0.3);
  screen.draw();
  const before = screen.at(500);
  screen.view.resize(HEIGHT - 40, 40);
  screen.draw();
  // From the window's top, which is lower now.
  expect(screen.at(500)).toBeCloseTo(before - 40);
  screen.view.show(1000);
  screen.draw();
  const last = screen.at(1000);
  screen.view.resize(HEIGHT - 90, 50);
  screen.draw();
  expect(screen.at(1000)).toBeCloseTo(last - 50);
});
