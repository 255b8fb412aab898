/** A run's parameters as a form has them: text for each, and what is wrong with it. */

import { ApiError } from "./api/client";
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

/** What is given to the run: what differs from the defaults, for the rest is the server's. It reads text as the
 * parameter's type, and says what is wrong with it. */
export function given(
  parameters: readonly Parameter[],
  texts: Readonly<Record<string, string>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, default: usual } of parameters) {
    const text = texts[name] ?? "";
    if (text !== String(usual ?? "")) values[name] = text;
  }
  return values;
}

/** What the server found wrong with parameters, by their names. `others`: it has more to say than that. */
export function placed(error: unknown): { fields: Record<string, string>; others: boolean } {
  const problems = error instanceof ApiError ? error.problems : [];
  const fields: Record<string, string> = {};
  for (const { place, message } of problems) {
    const name = /^parameters\.(\w+)$/.exec(place)?.[1];
    if (name !== undefined) fields[name] = message;
  }
  return { fields, others: error !== undefined && Object.keys(fields).length < Math.max(1, problems.length) };
}

/** What may be chosen from; undefined: anything may be written. */
export function choicesOf(parameter: Parameter): string[] | undefined {
  const choices = parameter.choices ?? [];
  if (choices.length > 0) return choices.map(String);
  return parameter.type === "boolean" ? ["true", "false"] : undefined;
}
