/** What a search has found, as its frames come: numbers of lines in order, and where the reader stands among them. */

export type Match = [
  number: number,
  time: string,
  stream: "stdout" | "stderr",
  text: string,
  start: number,
  spans: [number, number][],
];

export interface MatchesFrame {
  type: "matches";
  task: string;
  attempt: number;
  lines: number[];
  matches: Match[];
  count: number;
  searched: number;
  total: number;
}

export interface SearchEnd {
  type: "end";
  state: "complete" | "expired" | "limit";
}

export interface Asked {
  pattern: string;
  isRegex: boolean;
  isCase: boolean;
}

/** The query of a search, by the names of the API. */
export function queryOf({ pattern, isRegex, isCase }: Asked): Record<string, string | boolean> {
  return { pattern, literal: !isRegex, ignore_case: !isCase };
}

/** How many of `lines` (in order) are before `line`. */
export function before(lines: number[], line: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] ?? Infinity) < line) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The next match behind `line`, or the one before it; round the end of the log. */
export function next(lines: number[], line: number, by: 1 | -1): number | undefined {
  if (lines.length === 0) return undefined;
  const at = by > 0 ? before(lines, line + 1) : before(lines, line) - 1;
  return lines[(at + lines.length) % lines.length];
}

/** Where matches stand in the text as it is shown: a carriage return has hidden what was before it. */
export function spansIn(shown: string, [, , , text, start, spans]: Match): [number, number][] {
  if (shown.startsWith(text, start)) return spans.map(([from, to]) => [from + start, to + start]);
  const found: [number, number][] = [];
  for (const word of new Set(spans.map(([from, to]) => text.slice(from, to)))) {
    for (let at = shown.indexOf(word); at >= 0; at = shown.indexOf(word, at + word.length)) {
      found.push([at, at + word.length]);
    }
  }
  return found;
}

/** `3 of 12`, `12`, `none`; with a plus where there are more than were counted. */
export function counted(lines: number[], count: number, at: number, isLimited: boolean): string {
  if (count === 0) return "none";
  const all = count.toLocaleString("en") + (isLimited ? "+" : "");
  const place = before(lines, at);
  return lines[place] === at ? `${(place + 1).toLocaleString("en")} of ${all}` : all;
}
