/** A command in a container, with xterm.js on this side. */

import { attachAddress, closedEnding, endingOf, type Ending } from "../../lib/attach";

export type { Ending };

type Terminal = import("@xterm/xterm").Terminal;

const STDERR = 2;

export class Shell {
  state = $state<"connecting" | "open" | "ended">("connecting");
  end = $state.raw<Ending>();
  #path: string;
  #command: readonly string[];
  #socket: WebSocket | undefined;
  #closers: (() => void)[] = [];
  #closed = false;

  constructor(path: string, command: readonly string[], room: HTMLElement) {
    this.#path = path;
    this.#command = command;
    void this.#open(room);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close(1000);
    for (const close of this.#closers.reverse()) close();
    this.#closers = [];
  }

  async #open(room: HTMLElement): Promise<void> {
    const { openTerminal } = await import("./terminal");
    if (this.#closed) return;
    const { terminal, close } = openTerminal(room);
    this.#closers.push(close);
    const url = new URL(
      attachAddress(this.#path, this.#command, terminal.cols, terminal.rows),
      location.href,
    );
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(terminal);
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => this.#take(terminal, message.data);
    socket.onclose = (event) => this.#ended(closedEnding(event.code, this.state === "open"));
    this.#send(terminal, socket);
  }

  #opened(terminal: Terminal): void {
    this.state = "open";
    terminal.focus();
  }

  #send(terminal: Terminal, socket: WebSocket): void {
    const encoder = new TextEncoder();
    const isOpen = (): boolean => socket.readyState === WebSocket.OPEN;
    terminal.onData((text) => isOpen() && socket.send(encoder.encode(text)));
    terminal.onBinary((text) => isOpen() && socket.send(Uint8Array.from(text, (one) => one.charCodeAt(0))));
    terminal.onResize(({ cols: columns, rows }) => {
      if (isOpen()) socket.send(JSON.stringify({ type: "resize", columns, rows }));
    });
  }

  #take(terminal: Terminal, data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      const end = endingOf(data);
      if (end !== undefined) this.#ended(end);
      return;
    }
    const chunk = new Uint8Array(data);
    const output = chunk.subarray(1);
    if (chunk[0] !== STDERR) terminal.write(output);
    else terminal.write("\x1b[31m", () => terminal.write(output, () => terminal.write("\x1b[0m")));
  }

  #ended(end: Ending): void {
    if (this.state === "ended" || this.#closed) return;
    this.end = end;
    this.state = "ended";
  }
}
