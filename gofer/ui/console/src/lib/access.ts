/** Tokens and roles, in words. */

interface Permission {
  resources: readonly string[];
  actions: readonly string[];
  names?: readonly string[];
}

/** `read, run: runs, logs (nightly-*)` */
export function grant(one: Permission): string {
  const what = one.resources.includes("*") ? "everything" : one.resources.join(", ");
  const how = one.actions.includes("*") ? "all" : one.actions.join(", ");
  const names = one.names !== undefined && one.names.length > 0 ? ` (${one.names.join(", ")})` : "";
  return `${how}: ${what}${names}`.replaceAll("_", " ");
}

/** ` in the namespaces a, b`; nothing where none are named. */
export function matching(namespaces: readonly string[] | undefined): string {
  if (namespaces === undefined || namespaces.length === 0) return "";
  if (namespaces.includes("*")) return " in all namespaces";
  return ` in ${namespaces.length === 1 ? "the namespace" : "the namespaces"} ${namespaces.join(", ")}`;
}

interface Dated {
  expires_at?: number | null;
  disabled_at?: number | null;
}

/** As the server has it: what has expired is that, disabled or not. */
export function tokenState(token: Dated, now: number): "active" | "disabled" | "expired" {
  if (typeof token.expires_at === "number" && now >= token.expires_at) return "expired";
  return typeof token.disabled_at === "number" ? "disabled" : "active";
}

/** `a, b  c` as a list, without what is empty or there already. */
export function words(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

export const LIVES: readonly { name: string; days: number | undefined }[] = [
  { name: "7 days", days: 7 },
  { name: "30 days", days: 30 },
  { name: "90 days", days: 90 },
  { name: "a year", days: 365 },
  { name: "for ever", days: undefined },
];
