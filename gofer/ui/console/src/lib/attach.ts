/** A terminal in a container: what goes over its websocket. */

/** A part of a word: in double quotes, in single ones, a character after a backslash, or what needs neither. A quote that
 * is not closed is one character. */
const PARTS = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|[^\s"'\\]+|\S/gsy;

/** The words of a command line, as a POSIX shell quotes them: `PS1='$ ' "my"file a\ b` are three. Nothing else is read
 * into it: no shell is between. */
export function splitWords(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; at++) {
    let word: string | undefined;
    PARTS.lastIndex = at;
    for (let part = PARTS.exec(text); part !== null; part = PARTS.exec(text)) {
      at = PARTS.lastIndex;
      // Between double quotes a backslash stands for itself, but for these.
      const [whole, double, single, escaped] = part;
      word = (word ?? "") + (double?.replace(/\\([\\"$`])/g, "$1") ?? single ?? escaped ?? whole);
    }
    if (word !== undefined) found.push(word);
  }
  return found;
}

/** That of the address; a shell where it names none. */
export function commandOf(query: URLSearchParams): string[] {
  const words = splitWords(query.get("command") ?? "");
  return words.length > 0 ? words : ["sh"];
}

/** Where the terminal is opened. */
export function attachAddress(
  path: string,
  command: readonly string[],
  columns: number,
  rows: number,
): string {
  const query = new URLSearchParams(command.map((word) => ["command", word]));
  query.set("terminal", "true");
  query.set("columns", String(columns));
  query.set("rows", String(rows));
  return `${path}?${query}`;
}

export type Ending = { kind: "exit"; code: number } | { kind: "lost"; message: string; hint: string };

/** What a text frame says of the end; undefined: nothing. */
export function endingOf(text: string): Ending | undefined {
  let frame: { type?: unknown; code?: unknown; message?: unknown; hint?: unknown };
  try {
    frame = JSON.parse(text) as typeof frame;
  } catch {
    return undefined;
  }
  if (frame.type === "exit") return { kind: "exit", code: Number(frame.code) };
  if (frame.type === "error")
    return { kind: "lost", message: String(frame.message ?? ""), hint: String(frame.hint ?? "") };
  return undefined;
}

/** Of a websocket that closed without having said why. */
export function closedEnding(code: number, wasOpen: boolean): Ending {
  if (!wasOpen)
    return {
      kind: "lost",
      message: "The server did not open a terminal.",
      hint: "Your token may not attach to containers, the task is over, or the server is away.",
    };
  const away = code === 1012 || code === 1006 || code === 1013;
  return {
    kind: "lost",
    message: away
      ? "The connection to the server was lost, and the command with it."
      : `The server has closed (${code}).`,
    hint: "Start it anew.",
  };
}
