/** The lines that are kept in memory: whole pages of them, and the least recently seen are dropped. */

import type { Line } from "./line";

export const PAGE = 256;

/** Of a line's array and its time, in characters. */
const OVERHEAD = 80;

interface Kept {
  lines: (Line | undefined)[];
  count: number;
  size: number;
  seen: number;
}

export const pageOf = (index: number): number => Math.floor((index - 1) / PAGE);

/** Lines are found by their index, counted from 1. */
export class Pages {
  #pages = new Map<number, Kept>();
  #clock = 0;
  #size = 0;
  #budget: number;

  /** `budget`: characters. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#size;
  }

  get(index: number): Line | undefined {
    const page = this.#pages.get(pageOf(index));
    if (page === undefined) return undefined;
    page.seen = ++this.#clock;
    return page.lines[(index - 1) % PAGE];
  }

  put(index: number, line: Line): void {
    const number = pageOf(index);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { lines: [], count: 0, size: 0, seen: 0 };
      this.#pages.set(number, page);
    }
    page.seen = ++this.#clock;
    const place = (index - 1) % PAGE;
    const old = page.lines[place];
    const grown = line[3].length - (old === undefined ? -OVERHEAD : old[3].length);
    if (old === undefined) page.count += 1;
    page.lines[place] = line;
    page.size += grown;
    this.#size += grown;
  }

  /** The first line of a page that is missing, if it should have lines up to `total`; undefined: it is whole. */
  missing(number: number, total: number): number | undefined {
    const first = number * PAGE + 1;
    const count = Math.min(PAGE, total - first + 1);
    const page = this.#pages.get(number);
    if (page === undefined) return count > 0 ? first : undefined;
    if (page.count >= count) return undefined;
    for (let place = 0; place < count; place++) if (page.lines[place] === undefined) return first + place;
    return undefined;
  }

  /** Drops pages until the budget holds; those from `first` to `last` stay. */
  trim(first: number, last: number): void {
    if (this.#size <= this.#budget) return;
    const oldest = [...this.#pages.entries()].sort((a, b) => a[1].seen - b[1].seen);
    for (const [number, page] of oldest) {
      // Well below it, so as not to sort again with the next line.
      if (this.#size <= this.#budget * 0.75) return;
      if (number >= first && number <= last) continue;
      this.#pages.delete(number);
      this.#size -= page.size;
    }
  }
}
