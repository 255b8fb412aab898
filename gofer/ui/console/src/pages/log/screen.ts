/** A line as a terminal shows it: escape sequences applied, what `\r` goes back over is written over. */

import { safeLink } from "./links";
import { applyColours, PLAIN, type Style } from "./style";

export interface Piece {
  text: string;
  style: Style;
}

/** Of progress lines, so many of the last rewritings count; a line that was written over more often is long covered. */
const REWRITINGS = 64;

const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/;
const SEQUENCE =
  /\x1b\[([0-9:;<=>?]*)[ -/]*([@-~])|\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\|$)|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)|\x1b\[[0-9:;<=>?]*[ -/]*$|\x1b[ -/]*[0-Z\\-~]|[\x00-\x08\x0a-\x1f\x7f]/g;
const COLOURS = /\x1b\[([0-9:;]*)m/g;
const MOVES = /[\x08\r]|\x1b\[[0-9;]*[CDGKPX]/;

export function show(text: string): Piece[] {
  if (!CONTROLS.test(text)) return text === "" ? [] : [{ text, style: PLAIN }];
  const line = text.endsWith("\r") ? text.replace(/\r+$/, "") : text;
  const row = MOVES.test(line) ? new Cells() : new Run();
  const [rest, style] = row instanceof Cells ? latest(line) : [line, PLAIN];
  write(rest, row, style);
  return row.pieces();
}

/** The part of a progress line that still counts, and the colours with which it begins. */
function latest(line: string): [string, Style] {
  let from = line.length;
  for (let count = 0; count < REWRITINGS && from > 0; count++) from = line.lastIndexOf("\r", from - 1);
  if (from <= 0) return [line, PLAIN];
  let style = PLAIN;
  for (const found of line.slice(0, from).matchAll(COLOURS)) style = applyColours(style, found[1] ?? "");
  return [line.slice(from), style];
}

function write(line: string, row: Run | Cells, begin: Style): void {
  let style = begin;
  let at = 0;
  for (const found of line.matchAll(SEQUENCE)) {
    if (found.index > at) row.write(line.slice(at, found.index), style);
    at = found.index + found[0].length;
    if (found[2] === "m") style = applyColours(style, found[1] ?? "");
    else if (found[3]?.startsWith("8;") === true) style = linked(style, found[3]);
    else if (row instanceof Cells) row.control(found[2] ?? found[0], found[1] ?? "");
  }
  if (at < line.length) row.write(line.slice(at), style);
}

function linked(style: Style, command: string): Style {
  const next = { ...style };
  delete next.href;
  const href = safeLink(command.slice(command.indexOf(";", 2) + 1));
  if (href !== undefined) next.href = href;
  return next;
}

/** Text one after the other. */
class Run {
  #pieces: Piece[] = [];

  write(text: string, style: Style): void {
    const last = this.#pieces.at(-1);
    if (last?.style === style) last.text += text;
    else this.#pieces.push({ text, style });
  }

  pieces(): Piece[] {
    return this.#pieces;
  }
}

/** Text that may be written over. Every character takes one column. */
class Cells {
  #texts: string[] = [];
  #styles: Style[] = [];
  #column = 0;

  write(text: string, style: Style): void {
    for (const character of text) {
      while (this.#texts.length < this.#column) this.#put(this.#texts.length, " ", PLAIN);
      this.#put(this.#column++, character, style);
    }
  }

  control(name: string, parameters: string): void {
    const count = Math.min(Math.max(1, Number.parseInt(parameters, 10) || 1), 10_000);
    if (name === "\r") this.#column = 0;
    else if (name === "\b" || name === "D")
      this.#column = Math.max(0, this.#column - (name === "D" ? count : 1));
    else if (name === "C") this.#column = Math.min(this.#column + count, 10_000);
    else if (name === "G") this.#column = count - 1;
    else if (name === "K") this.#erase(Number.parseInt(parameters, 10) || 0);
    else if (name === "P") {
      this.#texts.splice(this.#column, count);
      this.#styles.splice(this.#column, count);
    } else if (name === "X") this.#blank(this.#column, Math.min(this.#column + count, this.#texts.length));
  }

  pieces(): Piece[] {
    const run = new Run();
    this.#texts.forEach((text, at) => run.write(text, this.#styles[at] ?? PLAIN));
    return run.pieces();
  }

  /** 0: to the end of the line, 1: from its beginning, 2: all. */
  #erase(what: number): void {
    if (what === 0) this.#texts.length = this.#styles.length = Math.min(this.#column, this.#texts.length);
    else this.#blank(0, what === 1 ? Math.min(this.#column + 1, this.#texts.length) : this.#texts.length);
    if (what === 2) this.#texts.length = this.#styles.length = 0;
  }

  #blank(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#put(at, " ", PLAIN);
  }

  #put(at: number, text: string, style: Style): void {
    this.#texts[at] = text;
    this.#styles[at] = style;
  }
}
