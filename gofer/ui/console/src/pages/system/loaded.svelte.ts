/** Something of the server, loaded, and loaded again when events say that it has changed. */

import { untrack } from "svelte";
import { live } from "../../lib/live/events.svelte";
import { Refresher } from "../../lib/live/refresh";

export class Loaded<T> {
  value = $state.raw<T>();
  error = $state.raw<unknown>();
  #load: () => Promise<void>;
  #pause: number;
  #refresher: Refresher | undefined;
  #asked = 0;

  /** `pause`: milliseconds between two loadings, at the least. */
  constructor(load: () => Promise<T>, pause = 500) {
    this.#pause = pause;
    this.#load = async () => {
      const asked = ++this.#asked;
      try {
        const value = await load();
        if (asked !== this.#asked) return;
        this.value = value;
        this.error = undefined;
      } catch (error) {
        if (asked === this.#asked) this.error = error;
      }
    };
  }

  /** Loads now, or as soon as it may. What loading reads is not what the effect depends on that asks for it. */
  again = (): void => untrack(() => this.#refresher?.ask());

  /** Loads, and follows events whose kinds begin with one of `kinds`. Returns what ends it. */
  follow(kinds: readonly string[]): () => void {
    const refresher = (this.#refresher = new Refresher(this.#load, this.#pause));
    this.again();
    let settled: ReturnType<typeof setTimeout> | undefined;
    const forget = live.listen({
      events: (events) => {
        if (!events.some((event) => kinds.some((kind) => event.kind.startsWith(kind)))) return;
        this.again();
        // A run that has ended is still counted for a moment.
        clearTimeout(settled);
        settled = setTimeout(this.again, this.#pause);
      },
      reset: this.again,
    });
    return () => {
      forget();
      clearTimeout(settled);
      refresher.end();
    };
  }
}
