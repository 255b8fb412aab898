/** Findings of the doctor, in the order in which one wants to read them. */

const ORDER = ["error", "warning", "ok"];

/** The gravest first; those of one level stay as they are. */
export function bySeverity<T extends { level: string }>(checks: readonly T[]): T[] {
  return [...checks].sort((one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level));
}
