/** One pipeline with the manifest of its live version, kept up to date by events. */

import { get, path } from "../../lib/api/client";
import type { GoferEvent, GridRun, Page, Pipeline, VersionDetail } from "../../lib/api/types";
import { live } from "../../lib/live/events.svelte";
import { Refresher } from "../../lib/live/refresh";

/** Kinds after which the grid alone is others. */
const OF_RUNS = /^(run|taskrun)\./;

export class PipelineState {
  pipeline = $state.raw<Pipeline>();
  version = $state.raw<VersionDetail>();
  runs = $state.raw<GridRun[]>([]);
  /** One that the reader has asked for, and what came of asking. */
  other = $state.raw<{ number: number; found?: VersionDetail; error?: unknown }>();
  /** Counts what has happened beside runs: parts of the page load theirs anew. */
  changes = $state(0);
  /** Counts runs that have ended since the page was opened. */
  ended = $state(0);
  error = $state.raw<unknown>(undefined);
  readonly base: string;

  #count = 0;
  #endedCount = 0;
  #namespace: string;
  #id: string;
  #pipeline = new Refresher(() => this.#loadPipeline());
  #grid = new Refresher(() => this.#loadGrid(), 500);

  constructor(namespace: string, id: string) {
    this.#namespace = namespace;
    this.#id = id;
    this.base = path("namespaces", namespace, "pipelines", id);
  }

  /** Returns what ends it. */
  open(): () => void {
    const stop = live.listen({ events: (events) => this.#hear(events), reset: () => this.reload() });
    if (live.state !== "open") this.reload();
    return () => {
      stop();
      this.#pipeline.end();
      this.#grid.end();
    };
  }

  reload(): void {
    // Beside what components follow: an effect that reloads is not to run again because of it.
    this.changes = this.#count += 1;
    this.#pipeline.ask();
    this.#grid.ask();
  }

  async load(number: number): Promise<void> {
    this.other = { number };
    const told = await get<VersionDetail>(`${this.base}/versions/${number}`).then(
      (found) => ({ number, found }),
      (error: unknown) => ({ number, error }),
    );
    if (this.other.number === number) this.other = told;
  }

  #hear(events: GoferEvent[]): void {
    const mine = events.filter((one) => one.pipeline === this.#id && one.namespace === this.#namespace);
    if (mine.length === 0) return;
    this.ended = this.#endedCount += mine.filter((one) => one.kind === "run.ended").length;
    if (mine.some((one) => OF_RUNS.test(one.kind))) this.#grid.ask();
    if (mine.some((one) => !OF_RUNS.test(one.kind))) this.reload();
    else if (mine.some((one) => one.kind === "run.queued")) this.#pipeline.ask();
  }

  async #loadPipeline(): Promise<void> {
    try {
      const pipeline = await get<Pipeline>(this.base);
      const wanted = pipeline.version || pipeline.versions;
      if (this.version?.number !== wanted) {
        const one = pipeline.version === 0 ? await newestOf(this.base) : pipeline.version;
        this.version =
          one === undefined ? undefined : await get<VersionDetail>(`${this.base}/versions/${one}`);
      }
      this.pipeline = pipeline;
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  async #loadGrid(): Promise<void> {
    try {
      this.runs = (await get<Page<GridRun>>(`${this.base}/grid`)).items.toReversed();
    } catch (error) {
      this.error = error;
    }
  }
}

async function newestOf(base: string): Promise<number | undefined> {
  const { items } = await get<Page<{ number: number }>>(`${base}/versions`, { query: { limit: 1 } });
  return items[0]?.number;
}
