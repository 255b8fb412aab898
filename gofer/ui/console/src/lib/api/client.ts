/** Requests to Gofer's own API, by the cookie of the browser's session. */

import type { Who } from "../rights";
import { router } from "../router.svelte";

/** What the server says of a fault: RFC 9457 problem details. `status` 0: it has not answered at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly hint: string;
  readonly problems: { place: string; message: string; hint?: string }[];

  constructor(status: number, detail: string, hint = "", problems: ApiError["problems"] = []) {
    super(detail);
    this.status = status;
    this.hint = hint;
    this.problems = problems;
  }
}

interface Session {
  csrf?: string;
  who: Who;
}

export interface Options {
  query?: Record<string, string | number | boolean | undefined> | undefined;
  body?: unknown;
  signal?: AbortSignal;
}

let session: Promise<Session> | undefined;

/** Who is signed in. Asked once, and anew after `forget`. */
export function whoIsThere(): Promise<Session> {
  session ??= ask<Session>("GET", "/api/v1/session").catch((error: unknown) => {
    session = undefined;
    throw error;
  });
  return session;
}

export function forget(): void {
  session = undefined;
}

export const get = <T>(path: string, options: Options = {}): Promise<T> => ask<T>("GET", path, options);

/** A write: with the session's proof that it comes from a page of ours, and a key under which it is done once. */
export async function send<T>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  options: Options = {},
): Promise<T> {
  const { csrf } = await whoIsThere();
  const headers: Record<string, string> = { "Idempotency-Key": crypto.randomUUID() };
  if (csrf !== undefined) headers["X-Gofer-CSRF"] = csrf;
  return ask<T>(method, path, options, headers);
}

/** `/api/v1/…` with each part escaped. */
export function path(...parts: (string | number)[]): string {
  return "/api/v1/" + parts.map((part) => encodeURIComponent(part)).join("/");
}

export function withQuery(target: string, query: Options["query"]): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) found.set(name, String(value));
  const text = found.toString();
  return text === "" ? target : `${target}?${text}`;
}

async function ask<T>(
  method: string,
  target: string,
  options: Options = {},
  more: Record<string, string> = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...more };
  const init: RequestInit = { method, headers, redirect: "error", cache: "no-store" };
  if (options.signal !== undefined) init.signal = options.signal;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  let answer: Response;
  try {
    answer = await fetch(withQuery(target, options.query), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer.");
  }
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  if (answer.status === 401) signIn();
  throw await problemOf(answer);
}

async function problemOf(answer: Response): Promise<ApiError> {
  const said = (await answer.json().catch(() => ({}))) as {
    detail?: string;
    hint?: string;
    problems?: ApiError["problems"];
  };
  const wait = answer.headers.get("Retry-After");
  const hint = [said.hint, answer.status === 429 && wait !== null ? `Try again in ${wait} seconds.` : ""];
  const detail = said.detail ?? `The server answers ${answer.status}.`;
  return new ApiError(answer.status, detail, hint.filter(Boolean).join(" "), said.problems);
}

/** To the page where one signs in, and back here. */
function signIn(): void {
  forget();
  location.assign(`/login?next=${encodeURIComponent(router.href)}`);
}
