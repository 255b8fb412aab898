import { afterEach, expect, test } from "vitest";
import { keys, nameOf, shown } from "../src/lib/keys.svelte";

const FREE = { isTyping: false, isModal: false };
const undo: (() => void)[] = [];
let done: string[] = [];

function bind(...names: string[]): void {
  undo.push(
    keys.bind(
      "Test",
      names.map((name) => ({ keys: name, does: name, run: () => done.push(name) })),
    ),
  );
}

function press(key: string, more: Partial<KeyboardEvent> = {}, place = FREE, at = 0): boolean {
  const event = { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more };
  return keys.press(event, place, at);
}

afterEach(() => {
  for (const one of undo.splice(0)) one();
  press("Escape");
  done = [];
});

test("a key is named as the table has it", () => {
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  expect(nameOf({ ...none, key: "?", shiftKey: true })).toBe("?");
  expect(nameOf({ ...none, key: "K", ctrlKey: true, shiftKey: true })).toBe("Mod+k");
  expect(nameOf({ ...none, key: "k", metaKey: true })).toBe("Mod+k");
  expect(nameOf({ ...none, key: "ArrowUp", shiftKey: true })).toBe("Shift+ArrowUp");
  expect(nameOf({ ...none, key: " " })).toBe("Space");
  expect(nameOf({ ...none, key: "Shift", shiftKey: true })).toBe("");
});

test("another key for the same, and a capital letter is the letter with Shift", () => {
  undo.push(keys.bind("Test", [{ keys: "G", also: "End", does: "", run: () => done.push("end") }]));
  expect(press("g")).toBe(false);
  press("G", { shiftKey: true });
  press("End");
  expect(done).toEqual(["end", "end"]);
});

test("of two commands with the same key the later holds, until it goes", () => {
  bind("f");
  const end = keys.bind("Page", [{ keys: "f", does: "", run: () => done.push("page") }]);
  press("f");
  end();
  press("f");
  expect(done).toEqual(["page", "f"]);
});

test("keys one after the other", () => {
  bind("g p", "p");
  expect(press("g", {}, FREE, 0)).toBe(true);
  expect(press("p", {}, FREE, 500)).toBe(true);
  press("p", {}, FREE, 600);
  expect(done).toEqual(["g p", "p"]);
});

test("a sequence is given up after a while, and by a key that does not go on with it", () => {
  bind("g p", "x");
  press("g", {}, FREE, 0);
  expect(press("p", {}, FREE, 5000)).toBe(false);
  press("g", {}, FREE, 6000);
  press("x", {}, FREE, 6100);
  expect(press("p", {}, FREE, 6200)).toBe(false);
  expect(done).toEqual(["x"]);
});

test("who is writing is left alone, but for keys with Ctrl", () => {
  bind("f", "Mod+k");
  const place = { isTyping: true, isModal: false };
  expect(press("f", {}, place)).toBe(false);
  expect(press("k", { ctrlKey: true }, place)).toBe(true);
  expect(press("k", { ctrlKey: true }, { isTyping: false, isModal: true })).toBe(false);
  expect(done).toEqual(["Mod+k"]);
});

test("keys are shown as on a keyboard", () => {
  expect(shown("g p")).toEqual(["g", "p"]);
  expect(shown("Mod+k")).toEqual(["Ctrl+K"]);
  expect(shown("Mod+k", true)).toEqual(["⌘K"]);
  expect(shown("Shift+ArrowUp")).toEqual(["Shift+↑"]);
  expect(shown("G")).toEqual(["Shift+G"]);
  expect(shown("G", true)).toEqual(["⇧G"]);
  expect(shown("+")).toEqual(["+"]);
  expect(shown("")).toEqual([]);
});

test("Space belongs to the button that has the focus, other keys do not", () => {
  bind("Space", "f");
  const place = { ...FREE, isButton: true };
  expect(press(" ", {}, place)).toBe(false);
  expect(press("f", {}, place)).toBe(true);
  expect(press(" ")).toBe(true);
  expect(done).toEqual(["f", "Space"]);
});
