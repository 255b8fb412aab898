/** How statuses look: each has a sign of its own beside its colour, for those who do not tell the colours apart. */

export type Status =
  "waiting" | "queued" | "starting" | "running" | "successful" | "failed" | "cancelled" | "skipped";

export const SIGNS: Record<Status, string> = {
  waiting: "·",
  queued: "…",
  starting: "◌",
  running: "▶",
  successful: "✓",
  failed: "✗",
  cancelled: "⊘",
  skipped: "–",
};

const ENDED: ReadonlySet<string> = new Set<Status>(["successful", "failed", "cancelled", "skipped"]);

export function hasEnded(status: string): boolean {
  return ENDED.has(status);
}
