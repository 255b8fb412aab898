import { describe, expect, it } from "vitest";
import { grant, matching, tokenState, words } from "../src/lib/access";
import { attachAddress, closedEnding, commandOf, endingOf, splitWords } from "../src/lib/attach";
import { joined } from "../src/lib/own_log";
import { allows, matches, type Who } from "../src/lib/rights";
import { chosen, grouped, written } from "../src/lib/settings";

const SETTINGS = [
  { key: "server.host", value: "127.0.0.1:8080", source: "default" },
  { key: "log_level", value: "info", source: "file", place: "gofer.hcl:3" },
  { key: "server.names", value: ["a", "b"], source: "environment" },
];

describe("settings", () => {
  it("are found by all words, wherever those stand", () => {
    expect(chosen(SETTINGS, "server 127", false).map((one) => one.key)).toEqual(["server.host"]);
    expect(chosen(SETTINGS, "HCL", false).map((one) => one.key)).toEqual(["log_level"]);
    expect(chosen(SETTINGS, "", true).map((one) => one.key)).toEqual(["log_level", "server.names"]);
  });
  it("stand by blocks, those in none first", () => {
    expect(grouped(SETTINGS).map((one) => [one.name, one.settings.length])).toEqual([
      ["", 1],
      ["server", 2],
    ]);
  });
  it("are written as a person writes them", () => {
    expect([null, ["a", "b"], true, 5, ""].map(written)).toEqual(["", "a, b", "true", "5", ""]);
  });
});

describe("tokens and roles", () => {
  it("say in words what they allow", () => {
    expect(grant({ resources: ["runs", "global_secrets"], actions: ["read", "run"], names: ["n-*"] })).toBe(
      "read, run: runs, global secrets (n-*)",
    );
    expect(grant({ resources: ["*"], actions: ["*"] })).toBe("all: everything");
    expect([matching([]), matching(["*"]), matching(["a", "b"])]).toEqual([
      "",
      " in all namespaces",
      " in the namespaces a, b",
    ]);
  });
  it("are expired before they are disabled", () => {
    expect(tokenState({ expires_at: 5, disabled_at: 1 }, 5)).toBe("expired");
    expect(tokenState({ expires_at: 6, disabled_at: 1 }, 5)).toBe("disabled");
    expect(tokenState({ expires_at: null }, 5)).toBe("active");
    expect(words(" a, b  a,")).toEqual(["a", "b"]);
  });
});

describe("a terminal", () => {
  it("takes a command apart as a shell would, without one", () => {
    expect(splitWords(`sh -c "echo \\"a b\\"" 'c d' ""`)).toEqual(["sh", "-c", 'echo "a b"', "c d", ""]);
    expect(splitWords(`  env PS1='$ ' sh\t`)).toEqual(["env", "PS1=$ ", "sh"]);
    expect(splitWords(String.raw`a\ b "c"'d'e "\n \$x" '\n' \'`)).toEqual([
      "a b",
      "cde",
      String.raw`\n $x`,
      "\\n",
      "'",
    ]);
    expect(splitWords(`it's open "too \\`)).toEqual(["it's", "open", '"too', "\\"]);
    expect(splitWords(" ")).toEqual([]);
    expect(commandOf(new URLSearchParams({ command: "sh -c 'echo a b'" }))).toEqual(["sh", "-c", "echo a b"]);
    expect(commandOf(new URLSearchParams())).toEqual(["sh"]);
    expect(attachAddress("/x", ["a", "b c"], 80, 24)).toBe(
      "/x?command=a&command=b+c&terminal=true&columns=80&rows=24",
    );
  });
  it("knows how it has ended", () => {
    expect(endingOf('{"type":"exit","code":3}')).toEqual({ kind: "exit", code: 3 });
    expect(endingOf('{"type":"error","message":"m","hint":"h"}')).toEqual({
      kind: "lost",
      message: "m",
      hint: "h",
    });
    expect([endingOf("[]"), endingOf("no")]).toEqual([undefined, undefined]);
    expect(closedEnding(1006, false).kind).toBe("lost");
  });
});

describe("lines of the server's log", () => {
  it("lose the oldest where there are too many", () => {
    expect(joined([1, 2], [3], 3)).toEqual({ lines: [1, 2, 3], dropped: false });
    expect(joined([1, 2], [3, 4], 3)).toEqual({ lines: [2, 3, 4], dropped: true });
  });
});

describe("rights", () => {
  const who = (names: string[] = []): Who => ({
    kind: "client",
    namespaces: ["team-*"],
    permissions: [{ resources: ["runs", "logs"], actions: ["read"], names }],
  });
  it("hold in the namespaces of the token alone", () => {
    expect(["team-a", "teama", undefined].map((one) => allows(who(), "runs:read", one))).toEqual([
      true,
      false,
      false,
    ]);
    expect(allows({ ...who(), namespaces: ["*"] }, "runs:read")).toBe(true);
    expect(allows(who(), "runs:write", "team-a")).toBe(false);
    expect(allows({ kind: "management" }, "tokens:delete")).toBe(true);
  });
  it("may be for some names", () => {
    const some = who(["nightly-*", "weekly/key"]);
    expect(
      ["nightly-load", "weekly", "daily"].map((one) => allows(some, "logs:read", "team-a", one)),
    ).toEqual([true, false, false]);
    expect(matches("a.*", "ab")).toBe(false);
  });
});
