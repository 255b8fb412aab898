/** How the run is that the address names: for what stands around the page. */

import { get, path } from "./api/client";
import type { GoferEvent, Run } from "./api/types";
import { live } from "./live/events.svelte";

export interface RunName {
  namespace: string;
  pipeline: string;
  run: number;
}

export const isOf = (event: GoferEvent, of: RunName): boolean =>
  event.run === of.run && event.pipeline === of.pipeline && event.namespace === of.namespace;

/** The status that an event of a run itself tells of; undefined: none. */
export function statusIn(event: GoferEvent): string | undefined {
  if (event.kind === "run.queued") return "queued";
  if (event.kind === "run.started") return "running";
  if (event.kind === "run.ended") return String(event.data?.["status"] ?? "");
  return undefined;
}

export class CurrentRun {
  /** Empty: it is not known, or there is none. */
  status = $state("");

  /** Follows a run; returns what ends that. */
  follow(of: RunName): () => void {
    let ended = false;
    const load = async (): Promise<void> => {
      const run = await get<Run>(
        path("namespaces", of.namespace, "pipelines", of.pipeline, "runs", of.run),
      ).catch(
        () => undefined, // The page says what is wrong.
      );
      if (!ended && run !== undefined) this.status = run.status;
    };
    const stop = live.listen({
      events: (events) => {
        for (const event of events) if (isOf(event, of)) this.status = statusIn(event) ?? this.status;
      },
      reset: () => void load(),
    });
    void load();
    return () => {
      ended = true;
      stop();
      this.status = "";
    };
  }
}
