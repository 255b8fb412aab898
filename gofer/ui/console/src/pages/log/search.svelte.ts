/** One search: over a whole log and what comes, or over all logs of a run. */

import { get, withQuery } from "../../lib/api/client";
import { LiveSocket } from "../../lib/live/socket";
import { soon } from "../../lib/live/soon";
import { queryOf, spansIn, type Asked, type Match, type MatchesFrame, type SearchEnd } from "./matches";
import type { Find } from "./segments";

type Frame = MatchesFrame | SearchEnd;

/** What stays the same for all kinds of search. */
abstract class Running {
  searched = $state(0);
  total = $state(0);
  isOver = $state(false);
  isLimited = $state(false);
  error = $state.raw<unknown>();
  #socket: LiveSocket | undefined;
  #waiting: MatchesFrame[] = [];
  #isClosed = false;

  /** `probe`: a request by which the server says whether it understands the pattern. */
  protected async run(stream: string, probe: string, query: Record<string, string | number | boolean>) {
    try {
      await get(probe, { query: { ...query, limit: 1, to: 1 } });
    } catch (error) {
      if (!this.#isClosed) this.error = error;
      return;
    }
    if (this.#isClosed) return;
    this.#socket = new LiveSocket({
      url: () => withQuery(stream, query),
      // It begins anew with each connection.
      state: (state) => state === "connecting" && this.clear(),
      frame: (data) => this.#take(JSON.parse(data) as Frame),
    });
  }

  protected abstract clear(): void;
  protected abstract found(frames: MatchesFrame[]): void;

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  #take(frame: Frame): void {
    if (frame.type === "end") {
      this.#socket?.close();
      this.#tell();
      this.isOver = true;
      this.isLimited = frame.state === "limit";
      return;
    }
    this.#waiting.push(frame);
    if (this.#waiting.length > 1) return;
    soon(() => this.#tell());
  }

  #tell(): void {
    const frames = this.#waiting;
    this.#waiting = [];
    if (frames.length > 0 && !this.#isClosed) this.found(frames);
  }
}

/** In one log. */
export class LogSearch extends Running {
  /** Numbers of the lines that match, in order. */
  lines = $state.raw<number[]>([]);
  count = $state(0);
  /** For the rows that are drawn; another function when more is known. */
  find = $state.raw<Find>((line, shown) => this.#find(line, shown));

  #target: string;
  #query: Record<string, string | number | boolean>;
  #known = new Map<number, Match | undefined>();
  #wanted = new Set<number>();

  /** `target`: the address of the log; `more`: which attempt, and which stream. */
  constructor(target: string, asked: Asked, more: Record<string, string | number>) {
    super();
    this.#target = target;
    this.#query = { ...queryOf(asked), ...more };
    void this.run(`${target}/search/stream`, `${target}/search`, this.#query);
  }

  protected clear(): void {
    this.lines = [];
    this.count = 0;
  }

  protected found(frames: MatchesFrame[]): void {
    const more = frames.flatMap((frame) => frame.lines);
    if (more.length > 0) this.lines = this.lines.concat(more);
    const last = frames.at(-1);
    if (last === undefined) return;
    this.count = last.count;
    this.searched = last.searched;
    this.total = last.total;
    for (const line of more) if (this.#known.get(line) === undefined) this.#known.delete(line);
    if (more.length > 0) this.find = (line, shown) => this.#find(line, shown);
  }

  #find(line: number, shown: string): [number, number][] {
    const match = this.#known.get(line);
    if (match !== undefined) return spansIn(shown, match);
    if (!this.#known.has(line)) this.#want(line);
    return [];
  }

  /** The server says what matches, so that a pattern means the same everywhere; asked once for all rows of a picture. */
  #want(line: number): void {
    if (this.#wanted.size === 0) setTimeout(() => void this.#load(), 30);
    this.#wanted.add(line);
  }

  async #load(): Promise<void> {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    if (this.#known.size > 20_000) this.#known.clear();
    for (const line of wanted) this.#known.set(line, undefined);
    const from = Math.min(...wanted);
    const to = Math.min(Math.max(...wanted), from + 2_000);
    try {
      const page = await get<{ matches: Match[] }>(`${this.#target}/search`, {
        query: { ...this.#query, from, to, limit: 1_000 },
      });
      if (page.matches.length === 0) return;
      for (const match of page.matches) this.#known.set(match[0], match);
      this.find = (line, shown) => this.#find(line, shown);
    } catch {
      // Nothing is marked then; the count and the way to each match are there all the same.
      for (const line of wanted) this.#known.delete(line);
    }
  }
}

export interface Found {
  task: string;
  attempt: number;
  count: number;
  matches: Match[];
}

/** In all logs of a run. */
export class RunSearch extends Running {
  logs = $state.raw<Found[]>([]);

  /** `probe`: the address of any log of the run. */
  constructor(run: string, probe: string, asked: Asked) {
    super();
    void this.run(`${run}/logs/search/stream`, `${probe}/search`, queryOf(asked));
  }

  get count(): number {
    return this.logs.reduce((sum, one) => sum + one.count, 0);
  }

  protected clear(): void {
    this.logs = [];
  }

  protected found(frames: MatchesFrame[]): void {
    const logs = new Map(this.logs.map((one) => [`${one.task}/${one.attempt}`, one]));
    for (const { task, attempt, count, matches } of frames) {
      const key = `${task}/${attempt}`;
      const known = logs.get(key)?.matches ?? [];
      logs.set(key, { task, attempt, count, matches: [...known, ...matches] });
    }
    this.logs = [...logs.values()];
  }
}
