/** The tab's one stream of events: every page hears of what it shows, and asks for nothing again and again. */

import type { GoferEvent } from "../api/types";
import { withQuery } from "../api/client";
import { LiveSocket, type SocketState } from "./socket";
import { soon } from "./soon";

export interface Listener {
  /** Events in order, all that came since the last picture was drawn. */
  events: (events: GoferEvent[]) => void;
  /** Some may have been missed: load what is shown anew. */
  reset: () => void;
}

/** Milliseconds between two frames at least: many tabs cost the server little, and nobody sees the difference. */
const PAUSE = 100;

class Live {
  state = $state<SocketState>("closed");
  #listeners = new Set<Listener>();
  #socket: LiveSocket | undefined;
  #last: number | undefined;
  #wasOpen = false;
  #waiting: GoferEvent[] = [];
  #isPlanned = false;

  /** Returns what ends it. The stream is opened with the first listener, and stays. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#socket ??= new LiveSocket({
      url: () => withQuery("/api/v1/events/stream", { after: this.#last, pause: PAUSE }),
      frame: (data) => this.#take(data),
      state: (state) => this.#changed(state),
    });
    return () => this.#listeners.delete(listener);
  }

  /** Ends what the server refuses for good; the next listener tries again. */
  end(): void {
    this.#socket?.close();
  }

  #changed(state: SocketState): void {
    this.state = state;
    if (state === "open") {
      // Without a number to go on from, what happened meanwhile is not told again.
      if (this.#wasOpen && this.#last === undefined) for (const one of this.#listeners) one.reset();
      this.#wasOpen = true;
    }
    if (state === "closed") this.#socket = undefined;
  }

  #take(data: string): void {
    const frame = JSON.parse(data) as { events: GoferEvent[] };
    const newest = frame.events.at(-1);
    if (newest === undefined) return;
    this.#last = newest.seq;
    for (const event of frame.events) this.#waiting.push(event);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    soon(() => this.#tell());
  }

  #tell(): void {
    this.#isPlanned = false;
    const events = this.#waiting;
    this.#waiting = [];
    for (const one of [...this.#listeners]) one.events(events);
  }
}

export const live = new Live();
