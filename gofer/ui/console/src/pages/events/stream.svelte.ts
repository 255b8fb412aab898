/** Events that match a filter: a stretch of them without a gap, which grows at both ends, and at its new end by itself. */

import { get } from "../../lib/api/client";
import type { GoferEvent, Page } from "../../lib/api/types";
import { LiveSocket, type SocketState } from "../../lib/live/socket";
import { soon } from "../../lib/live/soon";
import { bounded } from "./stretch";

export interface Filter {
  kinds: string[];
  namespace: string;
  pipeline: string;
  by: string;
}

const PAGE = 100;
/** Led up to an event that was asked for, to be read with it. */
const CONTEXT = 20;
/** At once on the page; a reader who asks for older ones gets more. */
const KEPT = 200;
const MOST = 2000;

export class EventStream {
  /** Newest first. */
  events = $state.raw<GoferEvent[]>([]);
  hasOlder = $state(false);
  /** Newer ones are stored, and come when they are asked for. */
  hasNewer = $state(false);
  isLoaded = $state(false);
  isLoading = $state(false);
  state = $state<SocketState>("closed");
  /** Why there is nothing to see. */
  error = $state.raw<unknown>();
  /** Why there is no more than what one sees. */
  trouble = $state.raw<unknown>();
  #filter: Filter;
  #isPaused: boolean;
  #last = 0;
  #kept = KEPT;
  #socket: LiveSocket | undefined;
  #waiting: GoferEvent[] = [];
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(filter: Filter, isPaused: boolean) {
    this.#filter = filter;
    this.#isPaused = isPaused;
  }

  /** The newest events; or those `from` a number on, with some that led to them. */
  async open(from: number | undefined): Promise<void> {
    try {
      if (from === undefined) await this.#below(undefined, PAGE);
      else {
        await this.#above(from - 1);
        await this.#below(from, CONTEXT);
      }
      if (this.#isClosed) return;
      this.isLoaded = true;
      this.#connect();
    } catch (error) {
      if (!this.#isClosed) this.error = error;
    }
  }

  /** Goes on behind the newest that is shown: nothing is left out. */
  resume(): void {
    this.#isPaused = false;
    if (this.isLoaded) this.#connect();
  }

  pause(): void {
    this.#isPaused = true;
    this.#disconnect();
  }

  close(): void {
    this.#isClosed = true;
    this.#disconnect();
  }

  async older(): Promise<void> {
    await this.#load(() => this.#below(this.events.at(-1)?.seq, PAGE));
  }

  async newer(): Promise<void> {
    await this.#load(() => this.#above(this.#last));
    this.#connect();
  }

  async #load(load: () => Promise<void>): Promise<void> {
    if (this.isLoading) return;
    this.isLoading = true;
    this.trouble = undefined;
    try {
      await load();
    } catch (error) {
      this.trouble = error;
    }
    this.isLoading = false;
  }

  /** Adds those with a number below `before`. */
  async #below(before: number | undefined, limit: number): Promise<void> {
    const page = await this.#page({ newest_first: "true", before, limit });
    const end = this.events.at(-1)?.seq;
    // Meanwhile so many came that the old end was given up: what was loaded does not fit there any more.
    if (end !== undefined && before !== undefined && end > before) return;
    const all = this.events.concat(page.items);
    this.#kept = Math.min(MOST, Math.max(KEPT, all.length));
    this.hasOlder = page.next !== null;
    if (all.length > MOST) {
      this.#disconnect();
      this.hasNewer = true;
    }
    this.events = all.slice(-MOST);
    this.#last = this.events[0]?.seq ?? 0;
  }

  /** Adds those with a number above `after`. */
  async #above(after: number): Promise<void> {
    const page = await this.#page({ after, limit: PAGE });
    this.hasNewer = page.next !== null;
    this.#add(page.items);
  }

  #add(events: readonly GoferEvent[]): void {
    const { kept, dropped } = bounded(this.events, events, this.#kept);
    this.events = kept;
    this.#last = kept[0]?.seq ?? this.#last;
    this.hasOlder ||= dropped;
  }

  /** A page with something in it, if there is anything: the server looks at only so many events at a time. */
  async #page(query: Record<string, string | number | undefined>): Promise<Page<GoferEvent>> {
    let cursor: string | undefined;
    for (;;) {
      const page = await get<Page<GoferEvent>>(`/api/v1/events?${this.#query({ ...query, cursor })}`);
      if (page.items.length > 0 || page.next === null || this.#isClosed) return page;
      cursor = page.next;
    }
  }

  #query(more: Record<string, string | number | undefined>): string {
    const { kinds, namespace, pipeline, by } = this.#filter;
    const found = new URLSearchParams(kinds.map((kind): [string, string] => ["kind", kind]));
    for (const [name, value] of Object.entries({ namespace, pipeline, by, ...more }))
      if (value !== undefined && value !== "") found.set(name, String(value));
    return found.toString();
  }

  #connect(): void {
    if (this.#isPaused || this.#isClosed || this.hasNewer) return;
    this.#socket ??= new LiveSocket({
      url: () => `/api/v1/events/stream?${this.#query({ after: this.#received })}`,
      frame: (data) => {
        this.#waiting.push(...(JSON.parse(data) as { events: GoferEvent[] }).events);
        this.#cancel ??= soon(() => this.#tell());
      },
      state: (state) => (this.state = state),
    });
  }

  get #received(): number {
    return this.#waiting.at(-1)?.seq ?? this.#last;
  }

  #disconnect(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#cancel?.();
    this.#tell();
  }

  #tell(): void {
    this.#cancel = undefined;
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length > 0 && !this.#isClosed) this.#add(events);
  }
}
