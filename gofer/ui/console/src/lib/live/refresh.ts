/** Loading again what events say has changed: at once, then at most so often, and never two at a time. */

export class Refresher {
  #load: () => Promise<void>;
  #pause: number;
  #isLoading = false;
  #isStale = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** `pause`: milliseconds between the end of one loading and the beginning of the next. */
  constructor(load: () => Promise<void>, pause = 250) {
    this.#load = load;
    this.#pause = pause;
  }

  ask(): void {
    if (this.#ended) return;
    this.#isStale = true;
    if (!this.#isLoading && this.#timer === undefined) void this.#run();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    this.#isStale = false;
    this.#isLoading = true;
    try {
      await this.#load();
    } finally {
      this.#isLoading = false;
      if (!this.#ended) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          if (this.#isStale) void this.#run();
        }, this.#pause);
      }
    }
  }
}
