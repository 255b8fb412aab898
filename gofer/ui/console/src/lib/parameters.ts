/** A run's parameters as a form has them: text for each, and what is wrong with it. */

import type { Manifest } from "./api/types";

export type Parameter = NonNullable<Manifest["parameters"]>[number];
export type Value = string | number | boolean;

/** What each field begins with: what was given, else the default, else nothing. */
export function textsOf(
  parameters: readonly Parameter[],
  given: Readonly<Record<string, Value>> = {},
): Record<string, string> {
  return Object.fromEntries(
    parameters.map(({ name, default: usual }) => [name, String(given[name] ?? usual ?? "")]),
  );
}

export interface Filled {
  /** What differs from the defaults: the rest is the server's. */
  values: Record<string, Value>;
  /** By the parameter's name. */
  problems: Record<string, string>;
}

export function filled(parameters: readonly Parameter[], texts: Readonly<Record<string, string>>): Filled {
  const values: Record<string, Value> = {};
  const problems: Record<string, string> = {};
  for (const parameter of parameters) {
    const text = texts[parameter.name] ?? "";
    const usual = parameter.default ?? undefined;
    if (text === (usual === undefined ? "" : String(usual))) {
      if (text === "" && parameter.required && usual === undefined)
        problems[parameter.name] = "It is required.";
      continue;
    }
    const value = valueOf(parameter.type ?? "string", text);
    if (value === undefined) problems[parameter.name] = EXPECTED[parameter.type ?? "string"];
    else values[parameter.name] = value;
  }
  return { values, problems };
}

const EXPECTED = {
  string: "Expected text.",
  integer: "Expected a whole number.",
  number: "Expected a number.",
  boolean: "Expected true or false.",
} as const;

function valueOf(type: keyof typeof EXPECTED, text: string): Value | undefined {
  const trimmed = text.trim();
  if (type === "string") return text;
  if (type === "boolean") return trimmed === "true" ? true : trimmed === "false" ? false : undefined;
  const value = Number(trimmed);
  if (trimmed === "" || !Number.isFinite(value)) return undefined;
  return type === "integer" && !Number.isSafeInteger(value) ? undefined : value;
}

/** What may be chosen from; undefined: anything may be written. */
export function choicesOf(parameter: Parameter): string[] | undefined {
  const choices = parameter.choices ?? [];
  if (choices.length > 0) return choices.map(String);
  return parameter.type === "boolean" ? ["true", "false"] : undefined;
}
