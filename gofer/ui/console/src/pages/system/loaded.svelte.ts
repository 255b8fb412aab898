/** Something of the server, loaded, and loaded again when events say that it has changed. */

import { live } from "../../lib/live/events.svelte";
import { Refresher } from "../../lib/live/refresh";

export class Loaded<T> {
  value = $state.raw<T>();
  error = $state.raw<unknown>();
  #refresher: Refresher;
  #asked = 0;

  /** `pause`: milliseconds between two loadings, at the least. */
  constructor(load: () => Promise<T>, pause = 500) {
    this.#refresher = new Refresher(async () => {
      const asked = ++this.#asked;
      try {
        const value = await load();
        if (asked !== this.#asked) return;
        this.value = value;
        this.error = undefined;
      } catch (error) {
        if (asked === this.#asked) this.error = error;
      }
    }, pause);
  }

  /** Loads now, or as soon as it may. */
  again = (): void => this.#refresher.ask();

  /** Loads, and follows events whose kinds begin with one of `kinds`. Returns what ends it. */
  follow(kinds: readonly string[]): () => void {
    this.again();
    const forget = live.listen({
      events: (events) => {
        if (events.some((event) => kinds.some((kind) => event.kind.startsWith(kind)))) this.again();
      },
      reset: this.again,
    });
    return () => {
      forget();
      this.#refresher.end();
    };
  }
}
