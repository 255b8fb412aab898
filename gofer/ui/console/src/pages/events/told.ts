/** What an event says, and where it leads to. */

import type { GoferEvent } from "../../lib/api/types";
import { to } from "../../lib/router.svelte";

export interface Subject {
  label: string;
  href: string;
}

/** What an event speaks of, from the large to the small. */
export function subjects(event: GoferEvent): Subject[] {
  const { namespace, pipeline, run, task } = event;
  if (namespace === undefined) return system(event.kind);
  const found = [{ label: namespace, href: to.pipelines(namespace) }];
  if (pipeline === undefined) return found;
  found.push({ label: pipeline, href: to.pipeline(namespace, pipeline) });
  if (run === undefined) return found;
  found.push({ label: `#${run}`, href: to.run(namespace, pipeline, run) });
  if (task === undefined) return found;
  const attempt = event.data?.["attempt"];
  const query = typeof attempt === "number" ? `?attempt=${attempt}` : "";
  found.push({ label: task, href: to.log(namespace, pipeline, run, task) + query });
  return found;
}

const SECTIONS: Record<string, string> = {
  trigger: "triggers",
  token: "tokens",
  role: "tokens",
  commontask: "common-tasks",
};

function system(kind: string): Subject[] {
  const section = SECTIONS[kind.split(".")[0] ?? ""];
  return section === undefined ? [] : [{ label: section.replace("-", " "), href: to.system(section) }];
}

/** Those of its facts that are short, as `name value`; the rest stands in the tooltip. */
export function facts(event: GoferEvent): [name: string, value: string][] {
  return Object.entries(event.data ?? {})
    .filter(([name]) => name !== "correlation_id" && name !== "status")
    .map(([name, value]): [string, string] => [
      name.replaceAll("_", " "),
      typeof value === "string" ? value : JSON.stringify(value),
    ])
    .filter(([, value]) => value !== "");
}

/** The number of the first event at or after a time, in milliseconds; `atOf` tells the time of the first event behind a
 * number, undefined if there is none. */
export async function seqAt(
  time: number,
  last: number,
  atOf: (after: number) => Promise<number | undefined>,
): Promise<number> {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = await atOf(middle);
    if (at !== undefined && at < time) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}
