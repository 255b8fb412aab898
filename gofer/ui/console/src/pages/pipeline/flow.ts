/** A version's tasks as the graph draws them. */

import type { GridRun, Manifest } from "../../lib/api/types";
import type { FlowTask } from "../../lib/flow";

/** With the statuses of the newest run, where that was of the same tasks. */
export function flowOf(manifest: Manifest, newest: GridRun | undefined): FlowTask[] {
  const statuses = new Map(newest?.tasks.map((task) => [task.id, task.status]));
  return manifest.tasks.map((task) => ({
    id: task.id,
    note: task.common_task || task.image || "",
    parents: (task.depends_on ?? []).map(({ task: id, when }) => ({ id, when: when ?? "successful" })),
    status: statuses.get(task.id) ?? "",
  }));
}
