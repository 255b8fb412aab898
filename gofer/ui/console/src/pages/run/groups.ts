/** Task runs put together: those of one task of the graph, those of a status, and the order in which they are shown. */

import type { GraphTask, TaskRun } from "../../lib/api/types";
import { layers } from "../../lib/dag";
import type { FlowTask } from "../../lib/flow";
import { hasEnded } from "../../lib/status";

/** What tells most of several: one that has failed, then what is going on, then what is to come. */
const WEIGHT: TaskRun["status"][] = [
  "failed",
  "running",
  "starting",
  "queued",
  "waiting",
  "cancelled",
  "successful",
  "skipped",
];

export function statusOf(tasks: readonly TaskRun[]): string {
  const found = new Set(tasks.map((task) => task.status));
  // What may fail is no failure of the whole.
  if (
    found.has("failed") &&
    tasks.length > 1 &&
    tasks.every((task) => task.allow_failure || task.status !== "failed")
  )
    found.delete("failed");
  return WEIGHT.find((status) => found.has(status)) ?? "failed";
}

/** The nodes of the run's DAG: one for each task of the version, however many task runs it has become. */
export function flowTasks(graph: readonly GraphTask[], tasks: readonly TaskRun[]): FlowTask[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return graph.map((node) => {
    const mine = node.task_runs.flatMap((id) => byId.get(id) ?? []);
    const isMany = node.task_runs.length !== 1 || node.task_runs[0] !== node.id;
    return {
      id: node.id,
      note: node.common_task === "" ? node.image : node.common_task,
      parents: node.depends_on.map((parent) => ({ id: parent.task, when: parent.when ?? "successful" })),
      status: mine.length === 0 ? "" : statusOf(mine),
      ...(isMany ? { total: mine.length, ended: mine.filter((task) => hasEnded(task.status)).length } : {}),
    };
  });
}

/** Ids of task runs in the order in which they can run: parents first, else as they are written. */
export function order(graph: readonly GraphTask[]): string[] {
  const depth = layers(
    graph.map((node) => ({ id: node.id, parents: node.depends_on.map((parent) => parent.task) })),
  );
  return graph
    .map((node, index) => ({ node, depth: depth[index] ?? 0 }))
    .sort((a, b) => a.depth - b.depth)
    .flatMap(({ node }) => node.task_runs);
}

/** How many task runs there are of each status, those first that tell most. */
export function counts(tasks: readonly TaskRun[]): { status: string; count: number }[] {
  const found = new Map<string, number>();
  for (const task of tasks) found.set(task.status, (found.get(task.status) ?? 0) + 1);
  return WEIGHT.flatMap((status) => {
    const count = found.get(status);
    return count === undefined ? [] : [{ status, count }];
  });
}

/** What has made the run fail: failed, and not allowed to. */
export function failures(tasks: readonly TaskRun[]): TaskRun[] {
  return tasks.filter((task) => task.status === "failed" && !task.allow_failure);
}
