/** Runs as strips and sparklines show them. */

import { duration, exact } from "./time.svelte";

export interface StripRun {
  id: number;
  status: string;
  created_at: number;
  started_at?: number | null;
  ended_at?: number | null;
}

/** `Run 12, failed after 3 m 20 s, 2026-11-22 14:03:05.120 +01:00`: what one sees on hover. */
export function describe(run: StripRun): string {
  const took = tookOf(run);
  const passed = took === null ? "" : ` after ${duration(took)}`;
  return `Run ${run.id}, ${run.status}${passed}, ${exact(run.started_at ?? run.created_at)}`;
}

/** How long it ran, in milliseconds; null: it has not ended, or never ran. */
export function tookOf(run: Pick<StripRun, "started_at" | "ended_at">): number | null {
  if (run.started_at === undefined || run.started_at === null) return null;
  if (run.ended_at === undefined || run.ended_at === null) return null;
  // A clock that was set back makes no time negative.
  return Math.max(0, run.ended_at - run.started_at);
}

/** The middle one of the values, in their order of size; undefined: there are none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}
