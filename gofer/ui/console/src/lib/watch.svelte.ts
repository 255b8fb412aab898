/** Runs that the reader wants to hear of when they end. Each tab has its own, over a reload too. */

import { get, path } from "./api/client";
import type { GoferEvent, Run } from "./api/types";
import { isOf, statusIn, type RunName } from "./current.svelte";
import { live } from "./live/events.svelte";
import { router, to } from "./router.svelte";
import { hasEnded, SIGNS, type Status } from "./status";
import { toasts } from "./toast.svelte";

const KEY = "gofer-watched";

const same = (one: RunName, other: RunName): boolean =>
  one.run === other.run && one.pipeline === other.pipeline && one.namespace === other.namespace;

class Watch {
  runs = $state.raw<RunName[]>(read());
  #stop: (() => void) | undefined;

  /** Goes on with what the tab had before it was loaded anew. */
  begin(): void {
    if (this.runs.length > 0) this.#listen();
  }

  has(run: RunName): boolean {
    return this.runs.some((one) => same(one, run));
  }

  /** Watches a run, or does not any more. The browser may ask whether it may show notifications. */
  async toggle(run: RunName): Promise<void> {
    if (this.has(run)) {
      this.#keep(this.runs.filter((one) => !same(one, run)));
      return;
    }
    this.#keep([...this.runs, run]);
    this.#listen();
    const may = "Notification" in window ? await Notification.requestPermission() : "denied";
    if (may !== "granted")
      toasts.say("This browser shows no notifications for this address: this tab will say it.");
  }

  #listen(): void {
    this.#stop ??= live.listen({ events: (events) => this.#take(events), reset: () => void this.#look() });
    void this.#look();
  }

  #take(events: GoferEvent[]): void {
    for (const event of events) {
      if (event.kind !== "run.ended") continue;
      const run = this.runs.find((one) => isOf(event, one));
      if (run !== undefined) this.#tell(run, statusIn(event) ?? "");
    }
  }

  /** For those that ended while nobody listened. */
  async #look(): Promise<void> {
    for (const one of this.runs) {
      const run = await get<Run>(
        path("namespaces", one.namespace, "pipelines", one.pipeline, "runs", one.run),
      ).catch(() => undefined);
      if (run !== undefined && hasEnded(run.status) && this.has(one)) this.#tell(one, run.status);
    }
  }

  #tell(run: RunName, status: string): void {
    this.#keep(this.runs.filter((one) => !same(one, run)));
    const text = `${run.pipeline} #${run.run} ${status}`;
    const target = to.run(run.namespace, run.pipeline, run.run);
    toasts.say(text, status === "successful" ? "good" : status === "failed" ? "bad" : "plain", target);
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const shown = new Notification(`${SIGNS[status as Status] ?? ""} ${text}`, {
      body: run.namespace,
      tag: target,
    });
    shown.onclick = () => {
      window.focus();
      router.go(target);
      shown.close();
    };
  }

  #keep(runs: RunName[]): void {
    this.runs = runs;
    if (runs.length === 0) {
      this.#stop?.();
      this.#stop = undefined;
    }
    try {
      sessionStorage.setItem(KEY, JSON.stringify(runs));
    } catch {
      // A browser that keeps nothing: they hold until the page is loaded anew.
    }
  }
}

function read(): RunName[] {
  try {
    return JSON.parse(globalThis.sessionStorage?.getItem(KEY) ?? "[]") as RunName[];
  } catch {
    return [];
  }
}

export const watch = new Watch();
