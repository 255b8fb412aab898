/** Lines as the server sends them. */

export type Stream = "stdout" | "stderr";

/** `partial`: no newline has followed so far. */
export type Line = readonly [number: number, time: string, stream: Stream, text: string, partial?: boolean];

/** `total` counts the whole log, `stream_total` and `position` (of the first line) the lines that were asked for. */
export interface LogPage {
  lines: Line[];
  next_line: number;
  total: number;
  stream_total: number;
  position: number;
  complete: boolean;
}
