import { expect, test } from "vitest";
import { links, safeLink } from "../../src/pages/log/links";
import { segments, shown } from "../../src/pages/log/segments";

test("addresses end where the sentence goes on", () => {
  const found = (text: string): string[] => links(text).map((link) => text.slice(link.from, link.to));
  expect(found("see https://a.example/b. And (http://c.example/d_(e)), or")).toEqual([
    "https://a.example/b",
    "http://c.example/d_(e)",
  ]);
  expect(found("<https://a.example/?q=1&r=2> ftp://x javascript://y")).toEqual([
    "https://a.example/?q=1&r=2",
  ]);
  expect(found("https://user:secret@a.example/")).toEqual([]);
});

test("only web addresses without a user are safe", () => {
  expect(safeLink("HTTPS://a.example")).toBe("https://a.example/");
  for (const bad of [
    "javascript:alert(1)",
    "data:text/html,x",
    "/etc",
    "https://a@b.example",
    "https://",
    "",
  ])
    expect(safeLink(bad)).toBeUndefined();
});

test("a link and a find are cut out of coloured text, and nothing is lost", () => {
  const made = segments(shown("go \x1b[31mto https://a.ex\x1b[0mample/ now"), [[3, 5]], 1000);
  expect(made.map(({ text, classes, href, isFound }) => [text, classes, href, isFound])).toEqual([
    ["go ", "", undefined, false],
    ["to", "front", undefined, true],
    [" ", "front", undefined, false],
    ["https://a.ex", "front", "https://a.example/", false],
    ["ample/", "", "https://a.example/", false],
    [" now", "", undefined, false],
  ]);
});

test("no more is drawn than was asked for", () => {
  const made = segments(shown("a".repeat(50) + "\x1b[1m" + "b".repeat(50)), [[40, 70]], 60);
  expect(made.map((one) => one.text).join("")).toBe("a".repeat(50) + "b".repeat(10));
});

test("reversed colours", () => {
  const look = (text: string) => segments(shown(text), [], 100)[0];
  expect(look("\x1b[7mx")?.classes).toBe("inverse");
  expect(look("\x1b[31;7mx")).toMatchObject({ classes: "back", back: "var(--c1)", front: undefined });
});
