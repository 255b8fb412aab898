/** Settings, as a reader looks for them. */

interface Setting {
  key: string;
  value: unknown;
  source: string;
  place?: string;
}

/** As one would write it; empty where nothing is set. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** Those in which all words of `text` stand; `isShort`: without those that have their default. */
export function chosen<T extends Setting>(settings: readonly T[], text: string, isShort: boolean): T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return settings.filter((one) => {
    if (isShort && one.source === "default") return false;
    const all = [one.key, written(one.value), one.source, one.place ?? ""].join(" ").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** By the block of the file that they stand in; those in none come first. */
export function grouped<T extends Setting>(settings: readonly T[]): { name: string; settings: T[] }[] {
  const found = new Map<string, T[]>();
  for (const one of settings) {
    const name = one.key.includes(".") ? one.key.slice(0, one.key.indexOf(".")) : "";
    found.set(name, [...(found.get(name) ?? []), one]);
  }
  return [...found]
    .map(([name, inside]) => ({ name, settings: inside }))
    .sort((one, other) => Number(one.name !== "") - Number(other.name !== ""));
}
