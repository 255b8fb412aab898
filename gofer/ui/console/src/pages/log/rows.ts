/** What one drawn row shows. */

import type { Chosen } from "./chosen";
import type { Folds, Group } from "./folds";
import type { Line } from "./line";

export interface RowData {
  /** Among the lines that are shown or folded, from 1. */
  index: number;
  /** Undefined: it is being loaded. */
  line: Line | undefined;
  /** Known before the line is, where all lines are shown. */
  number: number | undefined;
  group: Group | undefined;
  isFolded: boolean;
  /** How many lines are folded into it. */
  folds: number;
  isChosen: boolean;
  /** Not in view, but kept for an end of the reader's selection. */
  isAway: boolean;
  isExpanded: boolean;
}

export interface RowSource {
  line: (index: number) => Line | undefined;
  folds: Folds;
  groups: ReadonlyMap<number, Group> | undefined;
  chosen: Chosen | undefined;
  expanded: ReadonlySet<number>;
  /** Whether an index is the line's number. */
  isWhole: boolean;
}

/** The rows from `first` to `last`, and those of the lines `kept`, in order. What of `before` is still the same is
 * taken over, so that it is not drawn again. */
export function rowsOf(
  source: RowSource,
  first: number,
  last: number,
  kept: number[],
  before: readonly RowData[],
): RowData[] {
  const rows = new Set<number>();
  for (const index of kept) rows.add(source.folds.rowOf(index));
  for (let row = first; row <= last; row++) rows.add(row);
  const order = kept.length === 0 ? [...rows] : [...rows].sort((a, b) => a - b);
  const known = new Map(before.map((one) => [one.index, one]));
  return order.map((row) => {
    const made = rowOf(source, row, row < first || row > last);
    const old = known.get(made.index);
    return old !== undefined && isSame(old, made) ? old : made;
  });
}

function isSame(one: RowData, other: RowData): boolean {
  return (Object.keys(one) as (keyof RowData)[]).every((key) => one[key] === other[key]);
}

function rowOf(source: RowSource, row: number, isAway: boolean): RowData {
  const { chosen, folds } = source;
  const index = folds.lineOf(row);
  const line = source.line(index);
  const number = source.isWhole ? index : line?.[0];
  const group = number === undefined ? undefined : source.groups?.get(number);
  const hidden = group === undefined ? 0 : folds.lineOf(row + 1) - index - 1;
  return {
    index,
    line,
    number,
    group,
    isFolded: hidden > 0,
    folds: hidden,
    isChosen: number !== undefined && chosen !== undefined && number >= chosen.first && number <= chosen.last,
    isAway,
    isExpanded: source.expanded.has(index),
  };
}
