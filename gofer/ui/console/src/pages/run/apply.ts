/** A run as the page shows it, and what events change in it without anything being loaded again. */

import type { GoferEvent, GraphTask, Run, TaskAttempt, TaskRun } from "../../lib/api/types";

export interface RunData {
  run: Run;
  graph: GraphTask[];
  /** In the order of the graph. */
  tasks: TaskRun[];
  /** By the id of their task run, first to newest. */
  attempts: ReadonlyMap<string, TaskAttempt[]>;
}

type Facts = Record<string, unknown>;

/** A new picture, or the same one where nothing has changed. Events older than the picture change nothing in it. */
export function apply(data: RunData, events: readonly GoferEvent[]): RunData {
  const { namespace, pipeline, id } = data.run;
  const mine = events.filter(
    (event) => event.run === id && event.pipeline === pipeline && event.namespace === namespace,
  );
  if (mine.length === 0) return data;
  const next = { ...data, tasks: [...data.tasks], attempts: new Map(data.attempts) };
  const places = new Map(next.tasks.map((task, place) => [task.id, place]));
  // Each is copied once, however much has happened to it: there may be ten thousand events.
  const copied = new Set<number>();
  for (const event of mine) {
    if (event.kind.startsWith("run.")) next.run = ofRun(next.run, event);
    const place = places.get(event.task ?? "");
    let task = place === undefined ? undefined : next.tasks[place];
    if (place === undefined || task === undefined) continue;
    const change = changeOf(task, event);
    if (change === undefined) continue;
    if (!copied.has(place)) {
      copied.add(place);
      next.tasks[place] = task = { ...task };
      const known = next.attempts.get(task.id);
      if (known !== undefined) next.attempts.set(task.id, copyOf(known));
    }
    Object.assign(task, change);
    noteAttempt(next.attempts, task, event);
  }
  return next;
}

function copyOf(attempts: readonly TaskAttempt[]): TaskAttempt[] {
  const newest = attempts.at(-1);
  return newest === undefined ? [] : [...attempts.slice(0, -1), { ...newest }];
}

function ofRun(run: Run, event: GoferEvent): Run {
  if (run.ended_at !== null) return run;
  const data: Facts = event.data ?? {};
  if (event.kind === "run.started") return { ...run, status: "running", started_at: event.at, detail: "" };
  if (event.kind === "run.cancelling") return { ...run, cancel_requested_at: event.at };
  if (event.kind !== "run.ended") return run;
  return {
    ...run,
    status: data["status"] as Run["status"],
    reason: text(data, "reason") as Run["reason"],
    detail: text(data, "detail"),
    ended_at: event.at,
  };
}

const STEPS: Record<string, number> = {
  "taskrun.queued": 1,
  "taskrun.starting": 2,
  "taskrun.running": 3,
  "taskrun.retrying": 4,
  "taskrun.ended": 9,
};
const REACHED: Record<TaskRun["status"], number> = {
  waiting: 0,
  queued: 1,
  starting: 2,
  running: 3,
  successful: 9,
  failed: 9,
  cancelled: 9,
  skipped: 9,
};

/** How far a task run has come: an attempt's steps are all behind those of the one before. */
function reached(task: TaskRun): number {
  const isBackoff = task.status === "queued" && task.attempt > 0;
  return REACHED[task.status] === 9 ? Infinity : task.attempt * 10 + (isBackoff ? 4 : REACHED[task.status]);
}

function changeOf(task: TaskRun, event: GoferEvent): Partial<TaskRun> | undefined {
  const data: Facts = event.data ?? {};
  const { at } = event;
  if (event.kind === "image.pulling" && task.status === "starting")
    return { detail: [text(data, "image"), text(data, "detail")].filter(Boolean).join(": ") };
  const step = STEPS[event.kind];
  if (step === undefined) return undefined;
  const attempt = typeof data["attempt"] === "number" ? data["attempt"] : 0;
  if (step === 9 ? reached(task) === Infinity : attempt * 10 + step <= reached(task)) return undefined;
  const plain = { attempt: Math.max(task.attempt, attempt), reason: "" as const, detail: "" };
  const said = { reason: text(data, "reason") as TaskRun["reason"], detail: text(data, "detail") };
  const queued_at = task.queued_at ?? at;
  switch (event.kind) {
    case "taskrun.queued":
      return { ...plain, status: "queued", queued_at };
    case "taskrun.starting":
      return { ...plain, status: "starting", queued_at, next_attempt_at: null };
    case "taskrun.running":
      return { ...plain, status: "running", queued_at, started_at: task.started_at ?? at };
    case "taskrun.retrying":
      return { ...plain, ...said, status: "queued", next_attempt_at: number(data, "next_at") };
    default:
      return {
        ...plain,
        ...said,
        status: data["status"] as TaskRun["status"],
        exit_code: number(data, "exit_code"),
        ended_at: at,
        next_attempt_at: null,
      };
  }
}

/** Into the attempts of a task run that the event has changed. */
function noteAttempt(attempts: Map<string, TaskAttempt[]>, task: TaskRun, event: GoferEvent): void {
  if (task.attempt === 0) return;
  const known = attempts.get(task.id) ?? [];
  if (known.at(-1)?.number !== task.attempt) {
    known.push(begun(task, event.at));
    attempts.set(task.id, known);
  }
  const newest = known.at(-1);
  if (newest === undefined || newest.ended_at !== null) return;
  if (event.kind === "taskrun.running") Object.assign(newest, { status: "running", running_at: event.at });
  if (event.kind !== "taskrun.retrying" && event.kind !== "taskrun.ended") return;
  const status = event.kind === "taskrun.ended" ? task.status : "failed";
  const { reason, detail, exit_code } = task;
  Object.assign(newest, { status, reason, detail, exit_code, ended_at: event.at });
}

function begun(task: TaskRun, at: number): TaskAttempt {
  return {
    task: task.id,
    number: task.attempt,
    uid: "",
    status: "starting",
    reason: "",
    detail: "",
    exit_code: null,
    container: "",
    image_digest: "",
    starting_at: at,
    running_at: null,
    ended_at: null,
    log_state: "open",
    log_lines: 0,
    log_bytes: 0,
  };
}

function text(data: Facts, name: string): string {
  const value = data[name];
  return typeof value === "string" ? value : "";
}

function number(data: Facts, name: string): number | null {
  const value = data[name];
  return typeof value === "number" ? value : null;
}
