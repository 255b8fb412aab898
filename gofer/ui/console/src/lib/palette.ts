/** What the command palette offers, and in which order. */

export interface Entry {
  label: string;
  /** What it is: `Pipeline`, `Go to`, or the heading of a command. */
  kind: string;
  /** Found by these words too. */
  words?: string;
  keys?: string;
  href?: string;
  run?: () => void;
  /** Favourites stand before others that fit as well. */
  favourite?: boolean;
}

const MOST = 50;

/** Those entries that fit all words of the query, the best first; all as they come for an empty one. */
export function rank(query: string, entries: Entry[]): Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored: { entry: Entry; score: number }[] = [];
  for (const entry of entries) {
    let score = entry.favourite ? 0.5 : 0;
    for (const word of words) {
      const fit = Math.max(
        fits(word, entry.label.toLowerCase()),
        fits(word, entry.words?.toLowerCase() ?? "") / 2,
      );
      score = fit === 0 ? -Infinity : score + fit;
    }
    if (score >= 0) scored.push({ entry, score });
  }
  // Shorter names first among equals: `dump` before `dump-weekly`.
  const better = (a: (typeof scored)[0], b: (typeof scored)[0]): number =>
    b.score - a.score || (words.length === 0 ? 0 : a.entry.label.length - b.entry.label.length);
  return scored
    .sort(better)
    .slice(0, MOST)
    .map((one) => one.entry);
}

/** 0: not at all. */
function fits(word: string, text: string): number {
  if (text === word) return 6;
  if (text.startsWith(word)) return 5;
  const at = text.indexOf(word);
  if (at > 0) return /[a-z0-9]/.test(text.charAt(at - 1)) ? 3 : 4;
  let from = 0;
  for (const letter of word) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return word.length > 1 ? 1 : 0;
}

/** `nightly 12` and `nightly #12` speak of a run. */
export function runIn(query: string): { pipeline: string; run: number } | undefined {
  const found =
    /^(.*\S)\s+#?([1-9]\d{0,14})$/.exec(query.trim()) ?? /^(.*[^\s#])#([1-9]\d{0,14})$/.exec(query.trim());
  return found ? { pipeline: found[1] ?? "", run: Number(found[2]) } : undefined;
}
