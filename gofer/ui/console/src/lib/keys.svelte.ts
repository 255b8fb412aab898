/** What can be done by key: one table. The page shown adds its own keys; `?` shows all, and the palette offers them. */

export interface Command {
  /** `f`, `G`, `Shift+ArrowUp`, `Mod+k` (Ctrl, or ⌘), or keys one after the other: `g p`. Empty: in the palette alone. */
  keys: string;
  /** Another key for the same. */
  also?: string;
  /** What it does, as a reader would say it: `Follow the log`. */
  does: string;
  run: () => void;
}

export interface Group {
  name: string;
  commands: Command[];
}

interface Place {
  /** The reader is writing: only keys with Ctrl, Alt or ⌘ are commands then. */
  isTyping: boolean;
  /** What has the focus is pressed by Space. */
  isButton?: boolean;
  /** A dialog is open: what is below it hears nothing. */
  isModal: boolean;
}

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** Milliseconds between the keys of a sequence. */
const LONGEST_PAUSE = 1200;

class KeyTable {
  groups = $state.raw<Group[]>([]);
  // Beside what components follow: an effect that binds is not to run again because of what it has bound.
  #all: Group[] = [];
  #begun = "";
  #begunAt = 0;

  /** Adds commands under a heading; returns what takes them away. Of two with the same keys the later one holds. */
  bind(name: string, commands: Command[]): () => void {
    const group = { name, commands };
    this.groups = this.#all = [...this.#all, group];
    return () => {
      this.groups = this.#all = this.#all.filter((one) => one !== group);
    };
  }

  /** Whether the key was taken. `at`: milliseconds of a clock. */
  press(event: Pressed, place: Place, at: number): boolean {
    const name = nameOf(event);
    const isForIt = (place.isTyping && !/^(Mod|Alt)\+/.test(name)) || (place.isButton && name === "Space");
    if (name === "" || place.isModal || isForIt) {
      this.#begun = "";
      return false;
    }
    const begun = at - this.#begunAt <= LONGEST_PAUSE ? this.#begun : "";
    this.#begun = "";
    for (const tried of begun === "" ? [name] : [`${begun} ${name}`, name]) {
      const found = this.#find((keys) => keys === tried);
      if (found !== undefined) {
        found.run();
        return true;
      }
      if (this.#find((keys) => keys.startsWith(`${tried} `)) !== undefined) {
        this.#begun = tried;
        this.#begunAt = at;
        return true;
      }
    }
    return false;
  }

  #find(fits: (keys: string) => boolean): Command | undefined {
    return this.#all
      .flatMap((group) => group.commands)
      .findLast(({ keys, also }) => fits(keys) || (also !== undefined && fits(also)));
  }
}

export const keys = new KeyTable();

/** As it stands in the table; empty for a key that does nothing by itself. */
export function nameOf(event: Pressed): string {
  if (["Control", "Meta", "Alt", "Shift", "AltGraph", "Dead", "Unidentified"].includes(event.key)) return "";
  const letter = event.key.length === 1;
  const name =
    event.key === " "
      ? "Space"
      : letter && (event.ctrlKey || event.metaKey)
        ? event.key.toLowerCase()
        : event.key;
  const shift = event.shiftKey && !letter ? "Shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "Mod+" : ""}${event.altKey ? "Alt+" : ""}${shift}${name}`;
}

const SHOWN: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
  PageDown: "Page ↓",
  PageUp: "Page ↑",
};

/** The keys one by one, as they are written on a keyboard: `g p` is `["g", "p"]`, `Mod+k` is `["Ctrl+K"]`. */
export function shown(keysOf: string, isApple = false): string[] {
  if (keysOf === "") return [];
  return keysOf.split(" ").map((one) => {
    const parts = one === "+" ? ["+"] : one.split("+");
    return parts
      .map((part) => (part === "Mod" ? (isApple ? "⌘" : "Ctrl") : (SHOWN[part] ?? part)))
      .map((part, at) => (at > 0 && part.length === 1 ? part.toUpperCase() : part))
      .map((part, at) => (at === 0 && /^[A-Z]$/.test(part) ? (isApple ? `⇧${part}` : `Shift+${part}`) : part))
      .join(isApple ? "" : "+");
  });
}

const PRESSED = "button, summary, input, [role^=menuitem]";
const WRITTEN_IN = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]";

/** For the whole page. */
export function followKeys(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : null;
  const place = {
    isTyping: target !== null && target.closest(WRITTEN_IN) !== null,
    isButton: target !== null && target.closest(PRESSED) !== null,
    isModal: document.querySelector("dialog:modal") !== null,
  };
  if (keys.press(event, place, event.timeStamp)) event.preventDefault();
}
