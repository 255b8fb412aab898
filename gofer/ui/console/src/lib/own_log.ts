/** Lines of the server's own log, as many as a page can hold. */

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

const MOST = 5000;

/** The lines with the new ones behind them, without the oldest where there are too many. */
export function joined<T>(
  lines: readonly T[],
  more: readonly T[],
  most = MOST,
): { lines: readonly T[]; dropped: boolean } {
  const all = [...lines, ...more];
  const dropped = all.length > most;
  return { lines: dropped ? all.slice(-most) : all, dropped };
}
