/** The rows of the grid: a task each, with its cell in every run. */

import type { GridRun } from "../../lib/api/types";

type Cell = GridRun["tasks"][number];

export interface TaskRow {
  id: string;
  /** As many as there are runs; undefined: that run did not have it. */
  cells: (Cell | undefined)[];
}

/** In the order of the newest run; what only earlier runs had comes after. */
export function rowsOf(runs: readonly GridRun[]): TaskRow[] {
  const rows = new Map<string, TaskRow>();
  runs
    .map((run, at) => ({ run, at }))
    .toReversed()
    .forEach(({ run, at }) => {
      for (const cell of run.tasks) {
        let row = rows.get(cell.id);
        if (row === undefined) {
          row = { id: cell.id, cells: new Array<Cell | undefined>(runs.length).fill(undefined) };
          rows.set(cell.id, row);
        }
        row.cells[at] = cell;
      }
    });
  return [...rows.values()];
}

/** How high each run's bar is, from 0 to 1, by how long it took beside the longest. */
export function heightsOf(took: readonly (number | null)[]): number[] {
  const most = Math.max(1, ...took.map((one) => one ?? 0));
  return took.map((one) => (one ?? 0) / most);
}
