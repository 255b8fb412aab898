/** What a token may do, as the server judges it (docs/security.md): so that a page offers nothing that is refused. */

interface Grant {
  resources: readonly string[];
  actions: readonly string[];
  names?: readonly string[];
}

export interface Who {
  kind: string;
  namespaces?: readonly string[];
  permissions?: readonly Grant[];
  token?: { id: string; description?: string; roles?: readonly string[] };
}

/** Whether all of `text` is what the pattern says; `*` stands for any characters, also none. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}

/** Whether `permission`, such as `runs:write`, is had of a pipeline in `namespace`. Without a namespace: of the server,
 * for which every namespace is needed. Without a pipeline: of any that there may be. */
export function allows(who: Who, permission: string, namespace?: string, pipeline?: string): boolean {
  if (who.kind === "local" || who.kind === "management") return true;
  const within = who.namespaces ?? [];
  if (!within.some((one) => (namespace === undefined ? one === "*" : matches(one, namespace)))) return false;
  const [resource = "", action = ""] = permission.split(":");
  const has = (all: readonly string[], one: string): boolean => all.includes("*") || all.includes(one);
  return (who.permissions ?? []).some(
    (grant) =>
      has(grant.resources, resource) && has(grant.actions, action) && names(grant.names ?? [], pipeline),
  );
}

/** A name with a slash is that of a key of a pipeline, not of the pipeline. */
function names(patterns: readonly string[], pipeline: string | undefined): boolean {
  if (patterns.length === 0 || pipeline === undefined) return true;
  return patterns.some((one) => !one.includes("/") && matches(one, pipeline));
}
