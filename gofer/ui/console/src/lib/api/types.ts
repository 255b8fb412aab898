/** The API's types, by their names. `schema.d.ts` is made from the server's own description (`make ui-types`). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Run = Schemas["Run"];
export type TaskRun = Schemas["TaskRun"];
export type TaskRunDetail = Schemas["TaskRunDetail"];
export type Attempt = Schemas["Attempt"];
export type TaskAttempt = Schemas["TaskAttempt"];
export type GraphTask = Schemas["GraphTask"];
export type RunGraph = Schemas["RunGraph"];
export type StartedRun = Schemas["StartedRun"];
export type Pipeline = Schemas["Pipeline"];
export type Manifest = Schemas["Manifest"];
export type PipelineOverview = Schemas["PipelineOverview"];
export type GridRun = Schemas["GridRun"];
export type Deployment = Schemas["Deployment"];
export type Deployed = Schemas["Deployed"];
export type Comparison = Schemas["Comparison"];
export type Diff = Schemas["Diff"];
export type Subscribed = Schemas["Subscribed"];
export type StoredThing = Schemas["Object"];
export type Secret = Schemas["Secret"];
export type Namespace = Schemas["Namespace"];
export type Version = Schemas["Version"];
export type VersionDetail = Schemas["VersionDetail"];

/** A list's page: `next` is the cursor of the following one. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** Fields that do not apply are left out. */
export interface GoferEvent {
  seq: number;
  at: number;
  kind: string;
  namespace?: string;
  pipeline?: string;
  run?: number;
  task?: string;
  data?: Record<string, unknown>;
}
