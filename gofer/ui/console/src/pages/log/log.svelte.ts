/** One attempt's log: what is known of it, the lines near the reader in memory, and those that come. */

import { ApiError, get } from "../../lib/api/client";
import type { SocketState } from "../../lib/live/socket";
import { soon } from "../../lib/live/soon";
import type { Line, LogPage, Stream } from "./line";
import { PAGE, pageOf, Pages } from "./pages";
import { Tail } from "./tail";

/** Characters of text in memory. */
const BUDGET = 6_000_000;
const FIRST = 300;
const AT_ONCE = 2;
const PAUSE = 1000;

export class Log {
  /** Lines of the whole log. */
  total = $state(0);
  complete = $state(false);
  opened = $state(false);
  error = $state.raw<unknown>();
  connection = $state<SocketState>("closed");
  /** The index of the line to begin with; undefined: the end. Known when it is `opened`. */
  begin: number | undefined;
  /** Lines that are shown: all, or those of the stream. Their indices go from 1 to this. */
  count = 0;
  /** Called before the next picture, after lines came. */
  changed: () => void = () => undefined;

  #target: string;
  #attempt: number;
  #stream: Stream | undefined;
  #pages = new Pages(BUDGET);
  #lastNumber = 0;
  #tail: Tail | undefined;
  #loading = new Set<number>();
  #first = 1;
  #last = 0;
  #known = 0;
  #isPlanned = false;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cancel: () => void = () => undefined;

  constructor(target: string, attempt: number, stream: Stream | undefined) {
    this.#target = target;
    this.#attempt = attempt;
    this.#stream = stream;
  }

  /** Loads the end, and follows it; to begin with the line `at`, or the next one that is shown, if there is one. */
  async open(at?: number): Promise<void> {
    const page = await this.#get({ from: -FIRST, limit: FIRST });
    if (this.#isClosed) return;
    this.#take(page);
    this.#known = page.total;
    this.count = page.stream_total;
    this.#lastNumber = page.lines.at(-1)?.[0] ?? 0;
    if (!page.complete) this.#follow(Math.max(1, page.total));
    this.complete = page.complete;
    this.total = page.total;
    if (at !== undefined && at <= page.total) this.begin = await this.indexOf(at);
    this.opened = true;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#cancel();
    this.#tail?.close();
  }

  line(index: number): Line | undefined {
    return this.#pages.get(index);
  }

  /** Where a line stands among those that are shown. */
  async indexOf(number: number): Promise<number> {
    if (this.#stream === undefined) return Math.min(number, Math.max(1, this.count));
    const page = await this.#get({ from: number, limit: PAGE });
    this.#take(page);
    return Math.max(1, Math.min(page.position, this.count));
  }

  /** The lines from `first` to `last` are to be shown: loads those that are not there. */
  want(first: number, last: number): void {
    this.#first = first;
    this.#last = last;
    this.#load();
  }

  /** The text of lines, as they were printed; loads those that are not there. */
  async read(first: number, last: number): Promise<Line[]> {
    const found: Line[] = [];
    for (let index = first; index <= Math.min(last, this.count); index++) {
      let line = this.line(index);
      if (line === undefined) {
        await this.#loadPage(pageOf(index));
        line = this.line(index);
      }
      if (line !== undefined) found.push(line);
    }
    return found;
  }

  #follow(from: number): void {
    this.#tail = new Tail(this.#target, this.#attempt, this.#stream, from, {
      line: (line) => this.#append(line),
      end: (state, total) => this.#end(state, total),
      state: (state) => {
        this.connection = state;
        if (state === "waiting") void this.#check();
      },
    });
  }

  #append(line: Line): void {
    if (line[0] > this.#lastNumber) {
      this.#lastNumber = line[0];
      this.count = this.#stream === undefined ? line[0] : this.count + 1;
      this.#known = Math.max(this.#known, line[0]);
    }
    this.#pages.put(this.count, line);
    this.#plan();
  }

  #end(state: "complete" | "expired", total: number): void {
    if (state === "expired") {
      this.error = new ApiError(
        410,
        "This log has expired.",
        "Logs are kept for the newest runs of a pipeline only.",
      );
    }
    this.#known = Math.max(this.#known, total);
    this.complete = true;
    this.#plan();
  }

  /** Without a connection: whether there is still such a log. */
  async #check(): Promise<void> {
    try {
      await this.#get({ from: -1, limit: 1 });
    } catch (error) {
      if (!(error instanceof ApiError) || ![403, 404, 410].includes(error.status)) return;
      this.error = error;
      this.#tail?.close();
    }
  }

  #load(): void {
    const middle = (this.#first + this.#last) / 2;
    const pages: number[] = [];
    for (let page = pageOf(this.#first); page <= pageOf(this.#last); page++) {
      if (!this.#loading.has(page) && this.#pages.missing(page, this.count) !== undefined) pages.push(page);
    }
    pages.sort((a, b) => Math.abs(a * PAGE + PAGE / 2 - middle) - Math.abs(b * PAGE + PAGE / 2 - middle));
    for (const page of pages) {
      if (this.#loading.size >= AT_ONCE || this.#timer !== undefined) return;
      this.#loading.add(page);
      void this.#loadPage(page)
        .catch((error: unknown) => this.#failed(error))
        .finally(() => {
          this.#loading.delete(page);
          this.#plan();
          if (!this.#isClosed && this.#timer === undefined) this.#load();
        });
    }
  }

  /** Loads what a page lacks. */
  async #loadPage(page: number): Promise<void> {
    const to = Math.min((page + 1) * PAGE, this.count);
    for (let index = this.#pages.missing(page, this.count); index !== undefined && index <= to;) {
      const found = await this.#get({ from: index, limit: to - index + 1, of: this.#stream && "stream" });
      this.#take(found);
      if (found.lines.length === 0) return;
      index = found.position + found.lines.length;
      this.#plan();
    }
  }

  /** Lines that came by themselves are newer. */
  #take(page: LogPage): void {
    page.lines.forEach((line, place) => {
      const index = page.position + place;
      if (this.#pages.get(index) === undefined) this.#pages.put(index, line);
    });
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return;
    if (error instanceof ApiError && error.status !== 0 && error.status < 500 && error.status !== 429) {
      this.error = error;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#load();
    }, PAUSE);
  }

  #get(query: Record<string, string | number | undefined>): Promise<LogPage> {
    return get<LogPage>(this.#target, { query: { ...query, attempt: this.#attempt, stream: this.#stream } });
  }

  #plan(): void {
    if (this.#isPlanned || this.#isClosed) return;
    this.#isPlanned = true;
    // A hidden tab may not grow either.
    this.#cancel = soon(() => {
      this.#isPlanned = false;
      this.#pages.trim(pageOf(this.#first), pageOf(this.#last));
      this.total = this.#known;
      this.changed();
    });
  }
}
