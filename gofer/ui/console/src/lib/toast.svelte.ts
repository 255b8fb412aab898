/** Short words on what was done, which go by themselves. What a reader must not miss is no toast. */

export interface Message {
  id: number;
  text: string;
  kind: "good" | "bad" | "plain";
  /** Where it leads. */
  href?: string | undefined;
}

const MOST = 4;
const SHOWN_FOR = 6_000;

class Toasts {
  messages = $state.raw<Message[]>([]);
  #all: Message[] = [];
  #next = 1;

  say(text: string, kind: Message["kind"] = "plain", href?: string): void {
    const id = this.#next++;
    this.messages = this.#all = [...this.#all, { id, text, kind, href }].slice(-MOST);
    setTimeout(() => this.drop(id), SHOWN_FOR);
  }

  drop(id: number): void {
    this.messages = this.#all = this.#all.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
