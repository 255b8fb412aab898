/** What is asked for when another version is to go live. */

import type { Diff } from "../../lib/api/types";
import { amount } from "./words";

export type Strategy = "instant" | "canary" | "ab";

export interface Wanted {
  strategy: Strategy;
  /** Of a hundred new runs so many get the new version; as it was typed. */
  percent: string;
  /** So many of its runs have to end before the rule promotes it. */
  runs: string;
  /** The reader decides, not the rule. */
  manual: boolean;
}

/** The server's own defaults. */
export const PERCENT: Record<Strategy, string> = { instant: "", canary: "10", ab: "50" };
export const RUNS = "20";

/** The body of the request. */
export function bodyOf(
  version: number,
  { strategy, percent, runs, manual }: Wanted,
): Record<string, unknown> {
  if (strategy === "instant") return { version };
  const share = { version, strategy, percent: Number(percent) };
  if (strategy === "ab") return share;
  return manual ? { ...share, manual } : { ...share, runs: Number(runs) };
}

/** Whether the server could take it. */
export function isComplete({ strategy, percent, runs, manual }: Wanted): boolean {
  if (strategy === "instant") return true;
  const isShare = percent.trim() !== "" && Number(percent) > 0 && Number(percent) < 100;
  return isShare && (strategy === "ab" || manual || (/^\s*\d+\s*$/.test(runs) && Number(runs) > 0));
}

/** `2 changes: tasks.say.script changed, tasks.more added.` A line, however much differs. */
export function differs(diff: Diff, most = 3): string {
  const { changes } = diff;
  if (changes.length === 0) return "Nothing differs.";
  const places = changes.slice(0, most).map((change) => `${change.path} ${change.kind}`);
  const more = changes.length - places.length;
  return `${amount(changes.length, "changes")}: ${places.join(", ")}${more > 0 ? `, and ${more} more` : ""}.`;
}
