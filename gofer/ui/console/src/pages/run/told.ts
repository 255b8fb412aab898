/** The events of a run, as a list shows them: newest first. */

import type { GoferEvent } from "../../lib/api/types";

/** `happened` oldest first, `listed` newest first; each event once. */
export function joined(happened: readonly GoferEvent[], listed: readonly GoferEvent[]): GoferEvent[] {
  const newest = listed[0]?.seq ?? -1;
  return [...happened.filter((event) => event.seq > newest).toReversed(), ...listed];
}

const LEFT_OUT = new Set(["correlation_id"]);

/** What an event's data says, in one line. */
export function saidBy(event: GoferEvent): string {
  return Object.entries(event.data ?? {})
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${textOf(name, value)}`)
    .join(", ");
}

function textOf(name: string, value: unknown): string {
  if (name.endsWith("_at") && typeof value === "number") return new Date(value).toLocaleTimeString();
  return typeof value === "string" ? value.replaceAll("_", " ") : JSON.stringify(value);
}
