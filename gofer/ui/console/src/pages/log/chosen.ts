/** Lines that the address names: `#L120`, `#L120-L140`. */

export interface Chosen {
  first: number;
  last: number;
}

export function readChosen(hash: string): Chosen | undefined {
  const found = /^#L([1-9]\d{0,14})(?:-L?([1-9]\d{0,14}))?$/.exec(hash);
  if (found === null) return undefined;
  return ordered(Number(found[1]), Number(found[2] ?? found[1]));
}

export function writeChosen(chosen: Chosen | undefined): string {
  if (chosen === undefined) return "";
  return chosen.first === chosen.last ? `#L${chosen.first}` : `#L${chosen.first}-L${chosen.last}`;
}

/** What a click on a line's number chooses; with `extend` a range, from the line that was chosen first. */
export function choose(
  old: Chosen | undefined,
  from: number,
  line: number,
  extend: boolean,
): Chosen | undefined {
  if (extend && old !== undefined) return ordered(from, line);
  return old?.first === line && old.last === line ? undefined : { first: line, last: line };
}

/** `1200`, `1200-1240`, `L1200`; undefined for anything else. */
export function readLines(text: string): Chosen | undefined {
  const found = /^\s*L?([1-9]\d{0,14})\s*(?:[-–]\s*L?([1-9]\d{0,14})\s*)?$/i.exec(
    text.replace(/[,\s']/g, ""),
  );
  return found === null ? undefined : ordered(Number(found[1]), Number(found[2] ?? found[1]));
}

function ordered(a: number, b: number): Chosen {
  return { first: Math.min(a, b), last: Math.max(a, b) };
}
