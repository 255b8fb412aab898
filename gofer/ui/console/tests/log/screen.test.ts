import { expect, test } from "vitest";
import { show } from "../../src/pages/log/screen";

const text = (line: string): string =>
  show(line)
    .map((piece) => piece.text)
    .join("");

test("plain text is one piece, as it is", () => {
  expect(show("a\tb <b>")).toEqual([{ text: "a\tb <b>", style: {} }]);
  expect(show("")).toEqual([]);
});

test("colours begin and end", () => {
  expect(show("a\x1b[31mb\x1b[1;42mc\x1b[0md")).toEqual([
    { text: "a", style: {} },
    { text: "b", style: { text: 1 } },
    { text: "c", style: { text: 1, bold: true, back: 2 } },
    { text: "d", style: {} },
  ]);
});

test("colours of one's own, in all their forms", () => {
  const colour = (code: string) => show(`\x1b[${code}mx`)[0]?.style.text;
  expect(colour("38;5;9")).toBe(9);
  expect(colour("38;5;208")).toBe("rgb(255 135 0)");
  expect(colour("38;5;244")).toBe("rgb(128 128 128)");
  expect(colour("38;2;1;2;3")).toBe("rgb(1 2 3)");
  expect(colour("38:2::1:2:3")).toBe("rgb(1 2 3)");
  expect(colour("38;2;1;2;999")).toBeUndefined();
  expect(colour("38;5")).toBeUndefined();
  expect(colour("97")).toBe(15);
  expect(show("\x1b[38;5;1;4mx")[0]?.style).toEqual({ text: 1, underline: true });
});

test("a carriage return goes back, and what was there is written over", () => {
  expect(text("10%\r20%\r100%")).toBe("100%");
  expect(text("hello\rJ")).toBe("Jello");
  expect(text("done 12\r\x1b[Kend")).toBe("end");
  expect(text("windows\r")).toBe("windows");
  expect(text("ab\bc")).toBe("ac");
  expect(text("abc\x1b[2Dx")).toBe("axc");
  expect(text("abcdef\x1b[3G\x1b[K")).toBe("ab");
  expect(text("abc\x1b[1Kd")).toBe("   d");
});

test("of many rewritings the last count, in the colours that hold", () => {
  const many = "\x1b[32m" + Array.from({ length: 5000 }, (_, at) => `\r${at}`).join("");
  expect(show(many)).toEqual([{ text: "4999", style: { text: 2 } }]);
});

test("what has no meaning in a line is left out", () => {
  expect(text("a\x1b[2Jb\x1b[?25lc\x07d\x1b(Be\x1b]0;title\x07f\x1bP1;2q\x1b\\g\x00h\x1b[1")).toBe(
    "abcdefgh",
  );
});

test("links of the program's own are links only if they are safe", () => {
  expect(show("\x1b]8;;https://a.example/\x07x\x1b]8;;\x1b\\y")).toEqual([
    { text: "x", style: { href: "https://a.example/" } },
    { text: "y", style: {} },
  ]);
  expect(show("\x1b]8;;javascript:alert(1)\x07x")[0]?.style.href).toBeUndefined();
});
