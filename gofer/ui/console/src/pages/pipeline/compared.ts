/** A deployment's figures as rows of a table. */

import type { Comparison } from "../../lib/api/types";
import { duration } from "../../lib/time.svelte";

export interface FigureRow {
  name: string;
  old: string;
  new: string;
  difference: string;
  verdict: "better" | "worse" | "unclear" | "";
}

interface Estimated {
  value: number;
  low?: number | null;
  high?: number | null;
}

const percent = (value: number): string => `${value.toFixed(1)} %`;
const plain = (value: number): string => value.toFixed(2);
const seconds = (value: number): string => `${value.toFixed(1)} s`;
const points = (value: number): string => `${value > 0 ? "+" : ""}${value.toFixed(1)} points`;
const times = (value: number): string => `× ${value.toFixed(2)}`;

const MEASURES = [
  { key: "success_rate", name: "Success rate", shown: percent, differs: points },
  { key: "duration_median", name: "Duration, median", shown: duration, differs: times },
  { key: "duration_p95", name: "Duration, 95 % below", shown: duration, differs: times },
  { key: "attempts", name: "Attempts a run", shown: plain, differs: times },
  { key: "container_seconds", name: "Container time a run", shown: seconds, differs: times },
] as const;

export function figureRows(found: Comparison): FigureRow[] {
  return MEASURES.map(({ key, name, shown, differs }) => {
    const difference = found.difference?.[key];
    return {
      name,
      old: bounded(found.old?.[key], shown),
      new: bounded(found.new[key], shown),
      difference: bounded(difference, differs),
      verdict: difference ? (difference.verdict ?? "unclear") : "",
    };
  });
}

/** The value, and the bounds between which the true one lies, as far as that can be said. */
function bounded(found: Estimated | null | undefined, shown: (value: number) => string): string {
  if (found === null || found === undefined) return "–";
  const { value, low, high } = found;
  if (low === null || low === undefined || high === null || high === undefined) return shown(value);
  return `${shown(value)} (${shown(low)} to ${shown(high)})`;
}
