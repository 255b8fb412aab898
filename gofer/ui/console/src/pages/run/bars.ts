/** The timeline of a run: what each task run did when. */

import type { GraphTask, Run, TaskAttempt, TaskRun } from "../../lib/api/types";
import { hasEnded } from "../../lib/status";
import { duration } from "../../lib/time.svelte";

/** `waiting`: for its parents. `queued`: for its turn. `backoff`: for a further attempt. */
export type Phase = "waiting" | "queued" | "backoff" | "starting" | "running";

export interface Bar {
  phase: Phase;
  from: number;
  to: number;
  /** Number of the attempt, 0 before the first. */
  attempt: number;
  /** How the attempt stands; empty where there is none. */
  status: string;
}

export interface Span {
  from: number;
  to: number;
}

/** What a timeline reaches over: from the run's start to its end, or to what is known to be the latest. */
export function spanOf(run: Run, tasks: readonly TaskRun[], now: number): Span {
  const from = run.started_at ?? run.created_at;
  // The clocks of the server and of this browser may differ.
  const known = tasks.reduce((last, task) => Math.max(last, task.ended_at ?? task.started_at ?? 0), from);
  return { from, to: Math.max(run.ended_at ?? now, known, from + 1) };
}

/** The task runs that have no parents: from the beginning on these wait for their turn alone. */
export function rootsOf(graph: readonly GraphTask[]): Set<string> {
  return new Set(graph.filter((task) => task.depends_on.length === 0).flatMap((task) => task.task_runs));
}

/** The parts of one task run, one after the other. `isRoot`: it has no parents. */
export function bars(task: TaskRun, attempts: readonly TaskAttempt[], span: Span, isRoot: boolean): Bar[] {
  const first = isRoot ? "queued" : "waiting";
  const end = task.ended_at ?? span.to;
  const found: Bar[] = [];
  const add = (phase: Phase, from: number, to: number, attempt = 0, status = ""): void => {
    const begin = Math.max(from, span.from);
    if (to > begin || (to === begin && attempt > 0)) found.push({ phase, from: begin, to, attempt, status });
  };
  if (task.queued_at === null) {
    if (!hasEnded(task.status)) add(first, span.from, span.to);
    return found;
  }
  if (!isRoot) add("waiting", span.from, task.queued_at);
  let idle = isRoot ? Math.min(span.from, task.queued_at) : task.queued_at;
  for (const attempt of attempts) {
    const { number, status } = attempt;
    add(number === 1 ? "queued" : "backoff", idle, attempt.starting_at);
    const ended = attempt.ended_at ?? end;
    add("starting", attempt.starting_at, attempt.running_at ?? ended, number, status);
    if (attempt.running_at !== null) add("running", attempt.running_at, ended, number, status);
    idle = ended;
  }
  const last = attempts.at(-1);
  // It ends with its last attempt, unless it was cancelled between two.
  const isOver = last !== undefined && (last.ended_at === null || last.status === task.status);
  if (!isOver) add(last === undefined ? "queued" : "backoff", idle, end);
  return found;
}

const NAMES: Record<Phase, string> = {
  waiting: "waiting for its parents",
  queued: "waiting for its turn",
  backoff: "waiting for the next attempt",
  starting: "starting",
  running: "running",
};

export function titleOf(bar: Bar): string {
  const which = bar.attempt === 0 ? "" : `attempt ${bar.attempt}, ${bar.status}: `;
  return `${which}${NAMES[bar.phase]} ${duration(bar.to - bar.from)}`;
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .concat([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map((seconds) => seconds * 1000))
  .concat([1, 2, 3, 6, 12, 24, 48, 168, 720].map((hours) => hours * 3_600_000));

/** Where the axis is marked, in milliseconds from the beginning: at most `most` marks, at round numbers. */
export function marks(length: number, most: number): number[] {
  const step = STEPS.find((size) => length / size <= Math.max(1, most)) ?? length;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
}

/** As an axis says it: `0`, `500 ms`, `20 s`, `1 m 30 s`, `2 h`. */
export function markName(ms: number): string {
  if (ms === 0) return "0";
  if (ms < 1000) return `${ms} ms`;
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
