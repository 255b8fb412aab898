/** What these pages ask for, as it arrives: fields that have their default are left out. */

import { get, type Options } from "../../lib/api/client";
import type { components } from "../../lib/api/schema";
import type { Page } from "../../lib/api/types";

type Schemas = components["schemas"];
type Lean<T, Always extends keyof T> = Pick<T, Always> & Partial<Omit<T, Always>>;

export type SystemInfo = Schemas["SystemInfo"] & { ingress: Schemas["IngressInfo"] };
export type Check = Schemas["Check"];
export type Statistics = Schemas["Statistics"];
export type Setting = Schemas["SettingInfo"];
export type Reloaded = Schemas["Reloaded"];
export type LogLine = Schemas["OwnLogLine"];
export type Trigger = Schemas["Trigger"];
export type TriggerEvent = Lean<
  Schemas["TriggerEvent"],
  "id" | "trigger" | "event" | "outcome" | "occurred_at" | "received_at"
>;
export type TriggerLogLine = Lean<Schemas["TriggerLogLine"], "number" | "at" | "source" | "text">;
export type CommonTask = Lean<
  Schemas["CommonTask"],
  "id" | "image" | "namespaces" | "enabled" | "created_at" | "modified_at"
>;
export type Token = Lean<Schemas["Token"], "id" | "kind" | "created_at">;
export type Grant = Lean<Schemas["Grant"], "resources" | "actions">;
export interface Role extends Omit<Lean<Schemas["Role"], "id">, "permissions"> {
  permissions: Grant[];
}
export interface NewToken {
  token: Token;
  secret: string;
  warnings?: string[];
}
export interface Whoami {
  kind: "local" | "management" | "client" | "run";
  name?: string;
  token?: Token;
  namespaces?: string[];
  permissions?: Grant[];
}

const MOST_PAGES = 50;

/** All of a list that has few. */
export async function everything<T>(path: string, options: Options = {}): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  for (let i = 0; i < MOST_PAGES; i++) {
    const query = { ...options.query, limit: 200, cursor };
    const page = await get<Page<T>>(path, { ...options, query });
    found.push(...page.items);
    if (page.next === null) break;
    cursor = page.next;
  }
  return found;
}
