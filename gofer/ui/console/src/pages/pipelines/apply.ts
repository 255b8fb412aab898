/** What events change in the list of pipelines, in place. */

import type { GoferEvent, PipelineOverview } from "../../lib/api/types";

type Mark = PipelineOverview["last_runs"][number];

const MOST_RUNS = 30;
/** Kinds of which no column tells. */
const ASIDE = /^(taskrun|object|secret|audit|trigger|version)\./;

export interface Applied {
  /** Those that have changed, by their ids. */
  changed: Map<string, PipelineOverview>;
  /** Ids of those of which the events do not tell all. */
  stale: Set<string>;
}

/** All events of one picture at once. `find` gives a pipeline of the list by its id. */
export function applied(
  events: readonly GoferEvent[],
  namespace: string,
  find: (id: string) => PipelineOverview | undefined,
): Applied {
  const changed = new Map<string, PipelineOverview>();
  const stale = new Set<string>();
  for (const event of events) {
    if (event.namespace !== namespace || event.pipeline === undefined || ASIDE.test(event.kind)) continue;
    stale.add(event.pipeline);
    const item = changed.get(event.pipeline) ?? find(event.pipeline);
    const next = item && withEvent(item, event);
    if (next) changed.set(event.pipeline, next);
  }
  return { changed, stale };
}

function withEvent(item: PipelineOverview, event: GoferEvent): PipelineOverview | undefined {
  const id = event.run;
  if (id === undefined) return undefined;
  if (event.kind === "run.queued")
    return withRun(item, { id, status: "queued", created_at: event.at, started_at: null, ended_at: null });
  if (event.kind === "run.started")
    return withChange(item, id, { status: "running", started_at: event.at }, ["queued"]);
  if (event.kind !== "run.ended") return undefined;
  const status = event.data?.["status"];
  if (status !== "successful" && status !== "failed" && status !== "cancelled") return undefined;
  return withChange(item, id, { status, ended_at: event.at }, ["queued", "running"]);
}

function withRun(item: PipelineOverview, run: Mark): PipelineOverview | undefined {
  const runs = item.last_runs;
  // An event may come after the list that knew of it already.
  if (run.id <= (runs.at(-1)?.id ?? 0)) return undefined;
  return {
    ...item,
    runs: Math.max(item.runs, run.id),
    last_runs: [...runs, run].slice(-MOST_RUNS),
    queued: item.queued + 1,
  };
}

function withChange(
  item: PipelineOverview,
  id: number,
  change: Partial<Mark>,
  from: readonly string[],
): PipelineOverview | undefined {
  const runs = item.last_runs;
  const before = runs.find((run) => run.id === id);
  if (before === undefined || !from.includes(before.status)) return undefined;
  const last_runs = runs.map((run) => (run === before ? { ...run, ...change } : run));
  const counts = { running: item.running, queued: item.queued };
  for (const [status, by] of [
    [before.status, -1],
    [change.status, 1],
  ] as const)
    if (status === "running" || status === "queued") counts[status] = Math.max(0, counts[status] + by);
  return { ...item, ...counts, last_runs, success_rate: successRate(last_runs) };
}

/** As the server counts it: the part of the successful among those that were successful or failed. */
export function successRate(runs: readonly Mark[]): number | null {
  const successful = runs.filter((run) => run.status === "successful").length;
  const failed = runs.filter((run) => run.status === "failed").length;
  return successful + failed === 0 ? null : successful / (successful + failed);
}
