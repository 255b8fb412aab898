/** The groups of a log as the server finds them, also while it grows, and which of them are folded. */

import { withQuery } from "../../lib/api/client";
import { LiveSocket } from "../../lib/live/socket";
import { folded, type Group } from "./folds";

interface Sent {
  first: number;
  last: number | null;
  name: string;
  depth: number;
  expanded: boolean;
  errors: number;
  began_at: string;
  ended_at: string | null;
}

interface Frame {
  type: "groups" | "end";
  groups?: Sent[];
}

export class Groups {
  all = $state.raw<ReadonlyMap<number, Group>>(new Map());
  /** What the reader has folded (true) or opened, by the group's first line. */
  #decided = $state.raw<ReadonlyMap<number, boolean>>(new Map());
  /** A line that is to be seen. */
  #revealed = $state<number>();
  #socket: LiveSocket;
  #mayFold: () => boolean;

  readonly folded = $derived(folded([...this.all.values()], this.#decided, this.#revealed));

  /** `mayFold`: whether a group that has just ended may be folded, as nobody reads in it. */
  constructor(target: string, attempt: number, mayFold: () => boolean) {
    this.#mayFold = mayFold;
    this.#socket = new LiveSocket({
      url: () => withQuery(`${target}/groups/stream`, { attempt }),
      frame: (data) => this.#take(JSON.parse(data) as Frame),
    });
  }

  close(): void {
    this.#socket.close();
  }

  toggle(first: number): void {
    const isFolded = this.folded.some((group) => group.first === first);
    this.#decided = new Map(this.#decided).set(first, !isFolded);
  }

  /** Opens what hides the line. */
  reveal(line: number): void {
    this.#revealed = line;
    const hiding = this.folded.filter((group) => group.first < line && line <= (group.last ?? 0));
    if (hiding.length === 0) return;
    const decided = new Map(this.#decided);
    for (const group of hiding) decided.set(group.first, false);
    this.#decided = decided;
  }

  #take(frame: Frame): void {
    if (frame.type === "end") {
      this.#socket.close();
      return;
    }
    const all = new Map(this.all);
    const decided = new Map(this.#decided);
    for (const sent of frame.groups ?? []) {
      const group = groupOf(sent);
      const hasEnded = all.get(group.first)?.last === null && group.last !== null;
      if (hasEnded && !this.#mayFold() && !decided.has(group.first)) decided.set(group.first, false);
      all.set(group.first, group);
    }
    this.#decided = decided;
    this.all = all;
  }
}

function groupOf(sent: Sent): Group {
  const ended = sent.ended_at === null ? null : Date.parse(sent.ended_at);
  return {
    first: sent.first,
    last: sent.last,
    title: sent.name,
    depth: sent.depth,
    failed: sent.errors > 0,
    expanded: sent.expanded,
    started_at: Date.parse(sent.began_at),
    ended_at: ended,
  };
}
