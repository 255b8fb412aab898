/** The pipelines of a namespace at a glance: loaded page by page, then kept up to date by events. */

import { ApiError, get, path } from "../../lib/api/client";
import type { GoferEvent, Page, PipelineOverview } from "../../lib/api/types";
import { live } from "../../lib/live/events.svelte";
import { Refresher } from "../../lib/live/refresh";
import { applied } from "./apply";

const PAGE = 200;
/** As many as one request may name. */
const BATCH = 100;
/** Events tell of most at once; the rest is looked up no more often than this, in milliseconds. */
const PAUSE = 2000;
const TRY_AGAIN = 5000;

export class Overview {
  items = $state.raw<PipelineOverview[]>([]);
  isComplete = $state(false);
  error = $state.raw<unknown>(undefined);

  #namespace: string;
  #index = new Map<string, number>();
  #stale = new Set<string>();
  #stop = new AbortController();
  #again: ReturnType<typeof setTimeout> | undefined;
  #all = new Refresher(() => this.#loadAll());
  #some = new Refresher(() => this.#loadStale(), PAUSE);
  #unlisten: () => void;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#unlisten = live.listen({ events: (events) => this.#hear(events), reset: () => this.#all.ask() });
    // Else the page asks when the stream is open: what happened in between would be told by neither.
    if (live.state !== "open") this.#all.ask();
  }

  reload(): void {
    this.#all.ask();
  }

  end(): void {
    this.#stop.abort();
    clearTimeout(this.#again);
    this.#all.end();
    this.#some.end();
    this.#unlisten();
  }

  #hear(events: GoferEvent[]): void {
    const { changed, stale } = applied(events, this.#namespace, (id) => this.#find(id));
    if (changed.size > 0) this.#set(this.items.map((item) => changed.get(item.id) ?? item));
    for (const id of stale) this.#stale.add(id);
    if (this.#stale.size > 0) this.#some.ask();
  }

  #find(id: string): PipelineOverview | undefined {
    const index = this.#index.get(id);
    return index === undefined ? undefined : this.items[index];
  }

  #set(items: PipelineOverview[]): void {
    this.items = items;
    this.#index = new Map(items.map((item, i) => [item.id, i]));
  }

  async #ask(query: string): Promise<Page<PipelineOverview>> {
    const target = `${path("namespaces", this.#namespace, "overview")}?${query}`;
    return get<Page<PipelineOverview>>(target, { signal: this.#stop.signal });
  }

  async #loadAll(): Promise<void> {
    clearTimeout(this.#again);
    try {
      const found: PipelineOverview[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const page: Page<PipelineOverview> = await this.#ask(
          `limit=${PAGE}${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        found.push(...page.items);
        cursor = page.next;
        // At first what has come is shown at once; later the list stays whole.
        if (!this.isComplete || cursor === null) this.#set([...found]);
      }
      this.isComplete = true;
      this.error = undefined;
    } catch (error) {
      this.#failed(error, () => this.#all.ask());
    }
  }

  async #loadStale(): Promise<void> {
    const ids = [...this.#stale].slice(0, BATCH);
    for (const id of ids) this.#stale.delete(id);
    try {
      const query = ids.map((id) => `pipeline=${encodeURIComponent(id)}`).join("&");
      const { items } = await this.#ask(`limit=${BATCH}&${query}`);
      const fresh = new Map(items.map((item) => [item.id, item]));
      const kept = this.items.filter((item) => fresh.has(item.id) || !ids.includes(item.id));
      const known = new Set(kept.map((item) => item.id));
      const added = items.filter((item) => !known.has(item.id));
      this.#set([...kept.map((item) => fresh.get(item.id) ?? item), ...added]);
      this.error = undefined;
    } catch (error) {
      for (const id of ids) this.#stale.add(id);
      this.#failed(error, () => this.#some.ask());
      return;
    }
    if (this.#stale.size > 0) this.#some.ask();
  }

  #failed(error: unknown, again: () => void): void {
    if (this.#stop.signal.aborted) return;
    this.error = error;
    // What is wrong with the request stays wrong; a server that is away comes back.
    const isPassing = error instanceof ApiError && (error.status === 0 || error.status >= 429);
    if (isPassing) this.#again = setTimeout(again, TRY_AGAIN);
  }
}
