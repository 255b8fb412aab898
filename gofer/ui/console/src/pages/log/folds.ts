/** Groups of lines, and which rows are left when some of them are folded. */

import { duration } from "../../lib/time.svelte";

/** `first` is the line of its head, `last` the one of its end; null while it is open. Times in milliseconds. */
export interface Group {
  first: number;
  last: number | null;
  title: string;
  depth: number;
  failed: boolean;
  /** The log itself asks for it to be shown open. */
  expanded: boolean;
  started_at: number | null;
  ended_at: number | null;
}

export function lengthOf({ started_at, ended_at }: Group): string {
  return started_at === null || ended_at === null ? "" : duration(ended_at - started_at);
}

interface Hidden {
  /** The first and the last line that is not shown. */
  first: number;
  last: number;
  /** How many lines are not shown up to here. */
  sum: number;
}

/** Rows and lines, both counted from 1. A line that is not shown is in the row of its group's head. */
export class Folds {
  #hidden: Hidden[] = [];

  /** `folded`: groups of which only the head is shown; one within another may be among them. */
  constructor(folded: Pick<Group, "first" | "last">[] = []) {
    let sum = 0;
    let end = 0;
    for (const { first, last } of [...folded].sort((a, b) => a.first - b.first)) {
      if (last === null || last <= first || last <= end) continue;
      const from = Math.max(first + 1, end + 1);
      sum += last - from + 1;
      end = last;
      this.#hidden.push({ first: from, last, sum });
    }
  }

  /** Of `lines` lines. */
  rows(lines: number): number {
    return lines - this.#before(lines + 1);
  }

  rowOf(line: number): number {
    return line - this.#before(line + 1);
  }

  lineOf(row: number): number {
    let low = 0;
    let high = this.#hidden.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const one = this.#hidden[middle];
      // The row of the line behind that range.
      if (one !== undefined && one.last + 1 - one.sum <= row) low = middle + 1;
      else high = middle;
    }
    return row + (this.#hidden[low - 1]?.sum ?? 0);
  }

  isHidden(line: number): boolean {
    const one = this.#hidden[this.#count(line) - 1];
    return one !== undefined && line <= one.last;
  }

  /** How many lines before `line` are not shown. */
  #before(line: number): number {
    const one = this.#hidden[this.#count(line - 1) - 1];
    return one === undefined ? 0 : one.sum - Math.max(0, one.last - line + 1);
  }

  /** How many ranges begin at or before `line`. */
  #count(line: number): number {
    let low = 0;
    let high = this.#hidden.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#hidden[middle]?.first ?? Infinity) <= line) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Those that are folded: all that have ended well and do not hold the line `revealed`, unless the reader has said
 * otherwise (`decided`, by first line). One that goes on is open, and one at the end of a log that failed. */
export function folded(
  groups: Group[],
  decided: ReadonlyMap<number, boolean>,
  revealed: number | undefined,
): Group[] {
  return groups.filter(({ first, last, failed, expanded }) => {
    if (last === null) return false;
    const holds = revealed !== undefined && first < revealed && revealed <= last;
    return decided.get(first) ?? !(failed || expanded || holds);
  });
}
