/** Numbers and changes in words. */

import type { Diff } from "../../lib/api/types";

/** `1 run`, `1,204 runs`. `what` is the plural. */
export function amount(number: number, what: string): string {
  return `${number.toLocaleString()} ${number === 1 ? what.replace(/s$/, "") : what}`;
}

export type Change = Diff["changes"][number];

export const CHANGE_SIGNS: Record<Change["kind"], string> = { added: "+", removed: "−", changed: "~" };

/** A value of a manifest as it is shown in a diff; null: there is none. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** `1.5 kB`, `200 MB`. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ""}`;
}
