/** What the reader selects with the mouse: it may begin in a line that is not drawn any more. */

import type { Folds } from "./folds";
import type { Line } from "./line";
import { shown } from "./segments";

interface Lines {
  line: (index: number) => Line | undefined;
  read: (first: number, last: number) => Promise<Line[]>;
}

/** So many lines are put into the clipboard at most; the raw log has them all. */
export const MOST_COPIED = 20_000;

/** The indices of the lines in which the selection begins and ends; none if there is nothing selected here. */
export function ends(block: Element, selection: Selection | null): number[] {
  if (selection === null || selection.isCollapsed) return [];
  const found = [selection.anchorNode, selection.focusNode].map((node) => rowAround(block, node));
  return [...new Set(found.filter((row) => row !== undefined).map((row) => Number(row.dataset["index"])))];
}

/** Fills the clipboard, where the browser alone would leave out lines that are not drawn. */
export function copied(
  event: ClipboardEvent,
  block: Element,
  selection: Selection,
  log: Lines,
  folds: Folds,
): void {
  if (selection.rangeCount === 0) return;
  const range = selection.getRangeAt(0);
  const first = rowAround(block, range.startContainer);
  const last = rowAround(block, range.endContainer);
  if (first === undefined || last === undefined || first === last) return;
  const from = Number(first.dataset["index"]);
  const to = Math.min(Number(last.dataset["index"]), from + MOST_COPIED);
  const begin = part(first, range, true);
  const end = part(last, range, false);
  const lines: string[] = [];
  let isMissing = false;
  for (let index = from + 1; index < to; index++) {
    if (folds.isHidden(index)) continue;
    const line = log.line(index);
    if (line === undefined) isMissing = true;
    else lines.push(shown(line[3]).text);
  }
  event.preventDefault();
  event.clipboardData?.setData("text/plain", [begin, ...lines, end].join("\n"));
  if (!isMissing) return;
  void log.read(from + 1, to - 1).then((read) => {
    const all = read.filter((line) => !folds.isHidden(line[0])).map((line) => shown(line[3]).text);
    return navigator.clipboard.writeText([begin, ...all, end].join("\n"));
  });
}

function rowAround(block: Element, node: Node | null): HTMLElement | undefined {
  const element = node instanceof Element ? node : node?.parentElement;
  const row = element?.closest<HTMLElement>("[data-index]");
  return row instanceof HTMLElement && block.contains(row) ? row : undefined;
}

/** What is selected of the text of a row. */
function part(row: HTMLElement, range: Range, isFirst: boolean): string {
  const text = row.querySelector(".text");
  if (text === null) return "";
  const mine = document.createRange();
  mine.selectNodeContents(text);
  if (isFirst && mine.comparePoint(range.startContainer, range.startOffset) === 0)
    mine.setStart(range.startContainer, range.startOffset);
  if (!isFirst && mine.comparePoint(range.endContainer, range.endOffset) === 0)
    mine.setEnd(range.endContainer, range.endOffset);
  return mine.toString();
}
