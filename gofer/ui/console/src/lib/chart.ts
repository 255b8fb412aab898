/** What charts are drawn from. */

import { duration } from "./time.svelte";

export type Values = readonly (number | null)[];

/** A line or a column of a chart. `colour` is the name of a variable of the style sheet, without its dashes. */
export interface ChartSeries {
  label: string;
  values: Values;
  colour: string;
  /** Lines that are not told apart by their colour alone. */
  dashed?: boolean;
}

export type Unit = "count" | "duration" | "bytes";

const POWERS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `0 B`, `999 B`, `1.5 kB`, `24 MB`: powers of a thousand. */
export function bytes(value: number): string {
  let power = 0;
  let shown = value;
  while (shown >= 999.5 && power < POWERS.length - 1) {
    shown /= 1000;
    power++;
  }
  const text = power > 0 && shown < 9.95 ? shown.toFixed(1) : String(Math.round(shown));
  return `${text} ${POWERS[power] ?? ""}`;
}

/** `7`, `1,234`, `12.5 k`. */
export function count(value: number): string {
  if (!Number.isInteger(value)) return String(Math.round(value * 100) / 100);
  return value < 100_000 ? value.toLocaleString("en") : `${(value / 1000).toLocaleString("en")} k`;
}

export function inUnit(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return "–";
  return unit === "bytes" ? bytes(value) : unit === "duration" ? duration(value) : count(value);
}

/** Short, for an axis: `340 ms`, `12 s`, `3 m`, `2 h`. */
export function axisMark(value: number, unit: Unit): string {
  if (unit !== "duration") return inUnit(value, unit);
  if (value === 0) return "0";
  const steps: [number, string][] = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "m"],
    [1000, "s"],
    [1, "ms"],
  ];
  const [size, name] = steps.find(([least]) => value >= least) ?? [1, "ms"];
  return `${Math.round((value / size) * 10) / 10} ${name}`;
}

/** Distances between marks that people like, in milliseconds; or in powers of ten for what is no time. */
export const DURATION_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5,
  72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5,
];

/** Each series upon those before it: the last one is the sum of all. */
export function stacked(all: readonly Values[]): number[][] {
  const found: number[][] = [];
  for (const values of all) {
    const below = found.at(-1);
    found.push(values.map((value, i) => (value ?? 0) + (below?.[i] ?? 0)));
  }
  return found;
}

/** The sum of all values. */
export function total(values: Values): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

/** The last value that there is. */
export function latest(values: Values): number | null {
  return values.findLast((value) => value !== null) ?? null;
}
