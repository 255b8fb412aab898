/** One run, loaded once and kept up by events. */

import { get, path } from "../../lib/api/client";
import type { GoferEvent, Page, Run, RunGraph, TaskAttempt, TaskRun } from "../../lib/api/types";
import { live } from "../../lib/live/events.svelte";
import { Refresher } from "../../lib/live/refresh";
import { hasEnded } from "../../lib/status";
import { apply, type RunData } from "./apply";

const PAGE = 200;
const KEPT_EVENTS = 500;

export class RunState {
  data = $state.raw<RunData>();
  error = $state.raw<unknown>();
  /** What has happened to the run since the page was opened, oldest first. */
  happened = $state.raw<GoferEvent[]>([]);
  #base: string;
  #place: { namespace: string; pipeline: string; run: number };
  #meanwhile: GoferEvent[] = [];
  #refresher = new Refresher(() => this.#load(), 1000);
  #ended = false;

  constructor(namespace: string, pipeline: string, run: number) {
    this.#place = { namespace, pipeline, run };
    this.#base = path("namespaces", namespace, "pipelines", pipeline, "runs", run);
  }

  /** Listens until what it returns is called. */
  open(): () => void {
    this.#refresher.ask();
    const stop = live.listen({
      events: (events) => this.#hear(events),
      reset: () => this.#refresher.ask(),
    });
    return () => {
      this.#ended = true;
      stop();
      this.#refresher.end();
    };
  }

  reload(): void {
    this.#refresher.ask();
  }

  #hear(events: GoferEvent[]): void {
    const { namespace, pipeline, run } = this.#place;
    const mine = events.filter(
      (event) => event.run === run && event.pipeline === pipeline && event.namespace === namespace,
    );
    if (mine.length === 0) return;
    this.happened = [...this.happened, ...mine].slice(-KEPT_EVENTS);
    if (this.data === undefined) this.#meanwhile.push(...mine);
    else this.data = apply(this.data, mine);
    // Sizes of logs and the server's own words are not in events.
    if (mine.some((event) => event.kind === "run.ended")) this.#refresher.ask();
  }

  async #load(): Promise<void> {
    this.#meanwhile = [];
    try {
      // Where there is no such run, that is told once.
      const run = await get<Run>(this.#base);
      const [graph, tasks, attempts] = await Promise.all([
        this.data?.graph ?? get<RunGraph>(`${this.#base}/graph`).then((found) => found.tasks),
        every<TaskRun>(`${this.#base}/tasks`),
        every<TaskAttempt>(`${this.#base}/attempts`),
      ]);
      if (this.#ended) return;
      this.data = apply({ run, graph, tasks, attempts: byTask(attempts) }, this.#meanwhile);
      this.error = undefined;
    } catch (error) {
      if (!this.#ended) this.error = error;
    }
  }
}

function byTask(attempts: readonly TaskAttempt[]): Map<string, TaskAttempt[]> {
  const found = new Map<string, TaskAttempt[]>();
  for (const attempt of attempts) {
    const known = found.get(attempt.task);
    if (known === undefined) found.set(attempt.task, [attempt]);
    else known.push(attempt);
  }
  return found;
}

/** All pages of a list. */
async function every<T>(target: string): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await get<Page<T>>(target, { query: { limit: PAGE, cursor } });
    found.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

export function canCancel(run: Run): boolean {
  return !hasEnded(run.status) && run.cancel_requested_at === null;
}
