/** The lines of a log as they come, from a line on, over lost connections. */

import { withQuery } from "../../lib/api/client";
import { LiveSocket, type SocketState } from "../../lib/live/socket";
import type { Line, Stream } from "./line";

/** Of a line that goes on and on, being rewritten: what is kept. */
const LONGEST_REWRITTEN = 256 * 1024;

interface Frame {
  type: "lines" | "end";
  lines?: Line[];
  state?: "complete" | "expired";
  total?: number;
}

export interface TailHandlers {
  /** A line that came before may come again, with more of its text. */
  line: (line: Line) => void;
  end: (state: "complete" | "expired", total: number) => void;
  state: (state: SocketState) => void;
}

export class Tail {
  #handlers: TailHandlers;
  #socket: LiveSocket;
  #last: Line | undefined;
  #isFirst = true;
  #from: number;

  /** `from`: that line is whole only if it comes, all before it are. */
  constructor(
    target: string,
    attempt: number,
    stream: Stream | undefined,
    from: number,
    handlers: TailHandlers,
  ) {
    this.#handlers = handlers;
    this.#from = from;
    this.#socket = new LiveSocket({
      url: () => withQuery(`${target}/stream`, { attempt, stream, from: this.#next() }),
      frame: (data) => this.#take(JSON.parse(data) as Frame),
      state: (state) => {
        if (state === "connecting") this.#isFirst = true;
        handlers.state(state);
      },
    });
  }

  close(): void {
    this.#socket.close();
  }

  #next(): number {
    if (this.#last === undefined) return this.#from;
    return this.#last[4] === true ? this.#last[0] : this.#last[0] + 1;
  }

  #take(frame: Frame): void {
    for (const line of frame.lines ?? []) {
      this.#last = this.#joined(line);
      this.#isFirst = false;
      this.#handlers.line(this.#last);
    }
    if (frame.type === "end") {
      this.#socket.close();
      this.#handlers.end(frame.state ?? "complete", frame.total ?? 0);
    }
  }

  /** With the text that it had; after a new connection a line comes from its beginning. */
  #joined(line: Line): Line {
    const last = this.#last;
    if (last === undefined || last[0] !== line[0] || this.#isFirst) return line;
    return [line[0], last[1], line[2], shortened(last[3] + line[3]), line[4] ?? false];
  }
}

/** Without what was long written over. */
function shortened(text: string): string {
  if (text.length <= LONGEST_REWRITTEN) return text;
  const from = text.indexOf("\r", text.length - LONGEST_REWRITTEN / 2);
  return from < 0 ? text : text.slice(from);
}
