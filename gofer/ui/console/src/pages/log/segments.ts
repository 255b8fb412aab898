/** A line cut into what is drawn: runs of one look, with links and what was found. */

import { links } from "./links";
import { show, type Piece } from "./screen";
import type { Colour, Style } from "./style";

export interface Segment {
  text: string;
  classes: string;
  front: string | undefined;
  back: string | undefined;
  href: string | undefined;
  isFound: boolean;
}

/** Ranges of the text as it is shown. */
export type Find = (line: number, shown: string) => [from: number, to: number][];

/** The text as it is shown, and its looks. */
export interface Shown {
  text: string;
  pieces: Piece[];
}

export function shown(text: string): Shown {
  const pieces = show(text);
  return { text: pieces.map((piece) => piece.text).join(""), pieces };
}

/** `limit`: how much text to draw. */
export function segments({ text, pieces }: Shown, found: [number, number][], limit: number): Segment[] {
  const addresses = links(text.slice(0, limit));
  const cuts = new Set<number>([Math.min(limit, text.length)]);
  for (const { from, to } of addresses) cuts.add(from).add(to);
  for (const [from, to] of found) cuts.add(from).add(to);
  const places = [...cuts].sort((a, b) => a - b);
  const made: Segment[] = [];
  let at = 0;
  let next = 0;
  for (const piece of pieces) {
    const end = Math.min(at + piece.text.length, limit);
    for (let from = at; from < end;) {
      while ((places[next] ?? Infinity) <= from) next += 1;
      const to = Math.min(end, places[next] ?? Infinity);
      const place = from;
      const href = piece.style.href ?? addresses.find((one) => one.from <= place && place < one.to)?.href;
      const isFound = found.some((one) => one[0] <= place && place < one[1]);
      made.push(segment(piece.text.slice(from - at, to - at), piece.style, href, isFound));
      from = to;
    }
    at += piece.text.length;
    if (at >= limit) break;
  }
  return made;
}

function segment(text: string, style: Style, href: string | undefined, isFound: boolean): Segment {
  const isInverse = style.inverse === true;
  const front = isInverse ? style.back : style.text;
  const back = isInverse ? style.text : style.back;
  const classes: string[] = [];
  // Reversed without any colour: the page's own two change places.
  if (isInverse && front === undefined && back === undefined) classes.push("inverse");
  if (front !== undefined) classes.push(typeof front === "number" ? "front" : "front-own");
  if (back !== undefined) classes.push("back");
  for (const name of ["bold", "dim", "italic", "underline", "strike"] as const) {
    if (style[name] === true) classes.push(name === "dim" ? "faint" : name);
  }
  return { text, classes: classes.join(" "), front: css(front), back: css(back), href, isFound };
}

function css(colour: Colour | undefined): string | undefined {
  return typeof colour === "number" ? `var(--c${colour})` : colour;
}
