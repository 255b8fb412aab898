/** A websocket that comes back: with pauses that grow, and from the place that was reached. */

export type SocketState = "connecting" | "open" | "waiting" | "closed";

export interface SocketHandlers {
  /** The address of the next connection, asked for each time: it names what was reached. */
  url: () => string;
  frame: (data: string) => void;
  state?: (state: SocketState) => void;
  /** Whether to end for good after that code; by default after 1000 and 1008. */
  isFinal?: (code: number, reason: string) => boolean;
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

export class LiveSocket {
  #handlers: SocketHandlers;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;
  #ended = false;

  constructor(handlers: SocketHandlers) {
    this.#handlers = handlers;
    globalThis.window?.addEventListener("online", this.#now);
    this.#connect();
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    globalThis.window?.removeEventListener("online", this.#now);
    const socket = this.#socket;
    // A browser complains of what is closed before it was open.
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(1000);
    else socket?.close(1000);
    this.#tell("closed");
  }

  #now = (): void => {
    if (this.#timer === undefined || this.#ended) return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  #connect(): void {
    this.#timer = undefined;
    this.#tell("connecting");
    const url = new URL(this.#handlers.url(), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url));
    socket.onopen = () => {
      this.#pause = FIRST_PAUSE;
      this.#tell("open");
    };
    socket.onmessage = (message: MessageEvent<string>) => {
      if (!this.#ended) this.#handlers.frame(message.data);
    };
    socket.onclose = (event) => this.#closed(event);
  }

  #closed(event: CloseEvent): void {
    if (this.#ended) return;
    const isFinal = this.#handlers.isFinal ?? ((code: number) => code === 1000 || code === 1008);
    if (isFinal(event.code, event.reason)) {
      this.close();
      return;
    }
    this.#tell("waiting");
    // Not all tabs at the same moment, when a server is back.
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #tell(state: SocketState): void {
    this.#handlers.state?.(state);
  }
}
