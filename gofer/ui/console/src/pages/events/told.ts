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
  if (namespace === undefined) return system(event);
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

const HEALTH = { label: "system", section: "" };
const SECTIONS: Record<string, { label: string; section: string }> = {
  trigger: { label: "triggers", section: "triggers" },
  token: { label: "access", section: "access" },
  role: { label: "access", section: "access" },
  commontask: { label: "common tasks", section: "common-tasks" },
  server: HEALTH,
  store: HEALTH,
  engine: HEALTH,
  ingress: HEALTH,
  backup: HEALTH,
};

function system(event: GoferEvent): Subject[] {
  const found = SECTIONS[event.kind.split(".")[0] ?? ""];
  if (found === undefined) return [];
  const trigger = event.data?.["trigger"];
  if (found.section === "triggers" && typeof trigger === "string")
    return [{ label: trigger, href: `${to.system("triggers")}?trigger=${encodeURIComponent(trigger)}` }];
  return [{ label: found.label, href: to.system(found.section) }];
}

export interface Fact {
  name: string;
  value: string;
  /** What `value` is a short form of; empty: it is whole. */
  whole: string;
}

const LONGEST = 80;
// Said otherwise in the row, or of use to a machine alone.
const UNSAID = new Set(["correlation_id", "status"]);
// 0: there was none.
const NONE_IF_ZERO = new Set(["from_version", "previous"]);

/** What else an event says, as `name value`. */
export function facts(event: GoferEvent): Fact[] {
  return Object.entries(event.data ?? {})
    .filter(([name, value]) => !UNSAID.has(name) && !(value === 0 && NONE_IF_ZERO.has(name)))
    .map(([name, value]) => {
      const whole = typeof value === "string" ? value : JSON.stringify(value);
      const short = name === "hash" ? whole.slice(0, 12) : shortened(whole, LONGEST);
      return { name: name.replaceAll("_", " "), value: short, whole: short === whole ? "" : whole };
    })
    .filter(({ value }) => value !== "");
}

/** A long text without its middle: names that differ do so at the beginning or at the end. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - end)}…${text.slice(-end)}`;
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

/** Of those shown, newest first, the event that was asked for: `from`, or the next one behind it. */
export function askedFor(events: readonly GoferEvent[], from: number | undefined): number | undefined {
  return from === undefined ? undefined : events.findLast((event) => event.seq >= from)?.seq;
}
