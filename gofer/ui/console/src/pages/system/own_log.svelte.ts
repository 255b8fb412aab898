/** The server's own log: the newest lines, those that come, and older ones when they are asked for. */

import { get, withQuery } from "../../lib/api/client";
import type { Page } from "../../lib/api/types";
import { LiveSocket, type SocketState } from "../../lib/live/socket";
import { soon } from "../../lib/live/soon";
import { joined, LEVELS, type Level } from "../../lib/own_log";
import type { LogLine } from "./types";

export { LEVELS };

const PATH = "/api/v1/system/logs";
const PAGE = 200;

interface Frame {
  lines: LogLine[];
  missed: number;
}

export class ServerLog {
  lines = $state.raw<readonly LogLine[]>([]);
  state = $state<SocketState>("closed");
  error = $state.raw<unknown>();
  missed = $state(0);
  hasOlder = $state(false);
  isLoaded = $state(false);
  #filter: { level: Level; contains: string | undefined };
  #socket: LiveSocket | undefined;
  #cursor: string | null = null;
  #waiting: LogLine[] = [];
  #cancel: (() => void) | undefined;
  #last = 0;
  #ended = false;

  constructor(level: Level, contains: string) {
    this.#filter = { level, contains: contains === "" ? undefined : contains };
    void this.open();
  }

  /** Loads the newest lines, then follows. */
  async open(): Promise<void> {
    this.error = undefined;
    try {
      await this.#page();
    } catch (error) {
      this.error = error;
      return;
    }
    this.isLoaded = true;
    if (this.#ended) return;
    this.#socket ??= new LiveSocket({
      url: () => withQuery(`${PATH}/stream`, { ...this.#filter, after: this.#last }),
      frame: (data) => this.#take(JSON.parse(data) as Frame),
      state: (state) => (this.state = state),
    });
  }

  async older(): Promise<void> {
    try {
      await this.#page();
    } catch (error) {
      this.error = error;
    }
  }

  close(): void {
    this.#ended = true;
    this.#cancel?.();
    this.#socket?.close();
  }

  async #page(): Promise<void> {
    const query = { ...this.#filter, newest_first: true, limit: PAGE, cursor: this.#cursor ?? undefined };
    const page = await get<Page<LogLine>>(PATH, { query });
    this.lines = [...page.items.reverse(), ...this.lines];
    this.#last = Math.max(this.#last, this.lines.at(-1)?.number ?? 0);
    this.#cursor = page.next;
    this.hasOlder = page.next !== null;
  }

  #take(frame: Frame): void {
    this.missed += frame.missed;
    const newest = frame.lines.at(-1);
    if (newest === undefined) return;
    this.#last = newest.number;
    this.#waiting.push(...frame.lines);
    // However many come, the page is drawn once.
    this.#cancel ??= soon(() => {
      this.#cancel = undefined;
      const { lines, dropped } = joined(this.lines, this.#waiting);
      this.#waiting = [];
      this.lines = lines;
      if (dropped) this.#forgetOlder();
    });
  }

  /** What was dropped at the top is not asked for again: the cursor stands before it. */
  #forgetOlder(): void {
    this.#cursor = null;
    this.hasOlder = false;
  }
}
