/** xterm.js under our content security policy, in the size of its place. */

import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

// As the log has them, on its dark ground: a terminal is dark in both themes.
const COLOURS = {
  background: "#10161a",
  foreground: "#e4eae9",
  cursor: "#4db6a6",
  selectionBackground: "#2f5f6b",
  black: "#2a3338",
  red: "#ff9a5c",
  green: "#4fd3a6",
  yellow: "#f0c060",
  blue: "#7dbdf2",
  magenta: "#dba3c9",
  cyan: "#63c8d6",
  white: "#d5dddb",
  brightBlack: "#8b9a9e",
  brightRed: "#ffb98c",
  brightGreen: "#86e6c5",
  brightYellow: "#f7d795",
  brightBlue: "#a9d4f8",
  brightMagenta: "#ebc6de",
  brightCyan: "#9be2eb",
  brightWhite: "#ffffff",
};

/** Opens one in `room`, which it fills whatever size that takes on. */
export function openTerminal(room: HTMLElement): { terminal: Terminal; close: () => void } {
  const styles: CSSStyleSheet[] = [];
  const styled = styledDocument(styles);
  const terminal = new Terminal({
    documentOverride: styled,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
    fontSize: 13,
    cursorBlink: false,
    scrollback: 5000,
    screenReaderMode: false,
    theme: COLOURS,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  openWith(terminal, room, styled);
  fit.fit();
  // Tab belongs to the shell: there must be another way out by key.
  terminal.attachCustomKeyEventHandler((event) => {
    const leaves = event.key === "Escape" && event.ctrlKey && event.shiftKey;
    if (leaves && event.type === "keydown") terminal.blur();
    return !leaves;
  });
  const watcher = new ResizeObserver(() => fit.fit());
  watcher.observe(room);
  return {
    terminal,
    close: () => {
      watcher.disconnect();
      terminal.dispose();
      room.replaceChildren();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => !styles.includes(one));
    },
  };
}

/** Its view port asks the window's own document for a style element, whatever it was given: only while it opens. */
function openWith(terminal: Terminal, room: HTMLElement, styled: Document): void {
  const real = Document.prototype.createElement;
  Object.defineProperty(document, "createElement", {
    configurable: true,
    value: (name: string, options?: ElementCreationOptions) =>
      name === "style" ? styled.createElement(name) : real.call(document, name, options),
  });
  try {
    terminal.open(room);
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}

/** The document, but for what xterm.js makes that the policy forbids: style elements with text in them become style
 * sheets of the document, and style attributes are set through the object model. */
function styledDocument(styles: CSSStyleSheet[]): Document {
  const create = (name: string, options?: ElementCreationOptions): HTMLElement => {
    // A style element is refused even while it is empty: something else that is not shown takes its place.
    const real = name === "style" ? "template" : name;
    const element = Document.prototype.createElement.call(document, real, options);
    if (name === "style") takeText(element, styles);
    else takeStyle(element);
    return element;
  };
  return new Proxy(document, {
    get(target, name) {
      if (name === "createElement") return create;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

function takeText(element: HTMLElement, styles: CSSStyleSheet[]): void {
  const sheet = new CSSStyleSheet();
  styles.push(sheet);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, "textContent", { set: (text: string) => sheet.replaceSync(text) });
}

function takeStyle(element: HTMLElement): void {
  element.setAttribute = (name: string, value: string): void => {
    if (name === "style") element.style.cssText = value;
    else Element.prototype.setAttribute.call(element, name, value);
  };
}
