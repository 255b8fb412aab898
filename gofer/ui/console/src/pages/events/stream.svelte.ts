/** Events that match a filter: the newest, or those from a number on, and what comes. */

import { get } from "../../lib/api/client";
import type { GoferEvent, Page } from "../../lib/api/types";
import { LiveSocket, type SocketState } from "../../lib/live/socket";

export interface Filter {
  kinds: string[];
  namespace: string;
  pipeline: string;
  by: string;
}

const PAGE = 100;
const KEPT = 500;

export class EventStream {
  /** Newest first. */
  events = $state.raw<GoferEvent[]>([]);
  hasOlder = $state(false);
  isLoaded = $state(false);
  state = $state<SocketState>("closed");
  error = $state.raw<unknown>();
  #filter: Filter;
  #last = 0;
  #cursor: string | undefined;
  #socket: LiveSocket | undefined;
  #waiting: GoferEvent[] = [];
  #isClosed = false;

  constructor(filter: Filter) {
    this.#filter = filter;
  }

  /** The newest events; or `from` a number on, which are not followed by what comes. */
  async open(from: number | undefined, isPaused: boolean): Promise<void> {
    try {
      const where = from === undefined ? "newest_first=true" : `after=${from - 1}`;
      const page = await this.#get(`${where}&limit=${from === undefined ? PAGE : KEPT}`);
      if (this.#isClosed) return;
      this.events = from === undefined ? page.items : page.items.reverse();
      this.#cursor = from === undefined ? (page.next ?? undefined) : undefined;
      this.hasOlder = this.#cursor !== undefined;
      this.#last = this.events[0]?.seq ?? 0;
      this.isLoaded = true;
      if (!isPaused && from === undefined) this.resume();
    } catch (error) {
      if (!this.#isClosed) this.error = error;
    }
  }

  /** Goes on behind the newest that is shown: nothing is left out. */
  resume(): void {
    this.#socket ??= new LiveSocket({
      url: () => `/api/v1/events/stream?${this.#query()}&after=${this.#last}`,
      frame: (data) => this.#take((JSON.parse(data) as { events: GoferEvent[] }).events),
      state: (state) => (this.state = state),
    });
  }

  pause(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#tell();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  async older(): Promise<void> {
    if (this.#cursor === undefined) return;
    const cursor = encodeURIComponent(this.#cursor);
    try {
      const page = await this.#get(`newest_first=true&limit=${PAGE}&cursor=${cursor}`);
      this.events = this.events.concat(page.items);
      this.#cursor = page.next ?? undefined;
      this.hasOlder = this.#cursor !== undefined;
    } catch (error) {
      this.error = error;
    }
  }

  #query(): string {
    const { kinds, namespace, pipeline, by } = this.#filter;
    const found = new URLSearchParams(kinds.map((kind): [string, string] => ["kind", kind]));
    for (const [name, value] of Object.entries({ namespace, pipeline, by }))
      if (value) found.set(name, value);
    return found.toString();
  }

  #get(more: string): Promise<Page<GoferEvent>> {
    return get<Page<GoferEvent>>(`/api/v1/events?${this.#query()}&${more}`);
  }

  #take(events: GoferEvent[]): void {
    const isPlanned = this.#waiting.length > 0;
    this.#waiting.push(...events);
    this.#last = events.at(-1)?.seq ?? this.#last;
    if (isPlanned) return;
    // Once a picture, however many come; a hidden tab has none.
    if (document.hidden) setTimeout(() => this.#tell(), 250);
    else requestAnimationFrame(() => this.#tell());
  }

  #tell(): void {
    if (this.#waiting.length === 0 || this.#isClosed) return;
    const all = [...this.#waiting.reverse(), ...this.events];
    this.#waiting = [];
    // What goes is still there to be asked for, by its number.
    if (all.length > KEPT) {
      this.#cursor = undefined;
      this.hasOlder = false;
    }
    this.events = all.slice(0, KEPT);
  }
}
