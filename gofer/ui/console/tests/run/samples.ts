import type { GoferEvent, GraphTask, Run, TaskAttempt, TaskRun } from "../../src/lib/api/types";

export const RUN: Run = {
  namespace: "default",
  pipeline: "p",
  id: 3,
  version: 1,
  status: "queued",
  reason: "",
  detail: "",
  initiator: { kind: "user", name: "" },
  parameters: {},
  variables: {},
  retry_of: null,
  created_at: 1_000,
  started_at: null,
  ended_at: null,
  cancel_requested_at: null,
  task_count: 0,
  correlation_id: "",
  deployment: null,
};

export function taskRun(id: string, more: Partial<TaskRun> = {}): TaskRun {
  return {
    namespace: "default",
    pipeline: "p",
    run: 3,
    id,
    status: "waiting",
    reason: "",
    detail: "",
    allow_failure: false,
    attempt: 0,
    exit_code: null,
    queued_at: null,
    started_at: null,
    ended_at: null,
    next_attempt_at: null,
    ...more,
  };
}

export function attempt(task: string, number: number, more: Partial<TaskAttempt> = {}): TaskAttempt {
  return {
    task,
    number,
    uid: "u",
    status: "successful",
    reason: "",
    detail: "",
    exit_code: 0,
    container: "c",
    image_digest: "",
    starting_at: 0,
    running_at: null,
    ended_at: null,
    log_state: "complete",
    log_lines: 0,
    log_bytes: 0,
    ...more,
  };
}

export function graphTask(id: string, parents: string[] = [], task_runs = [id]): GraphTask {
  return {
    id,
    image: `${id}:1`,
    common_task: "",
    description: "",
    allow_failure: false,
    depends_on: parents.map((task) => ({ task, when: "successful" as const })),
    task_runs,
  };
}

let seq = 0;

export function event(
  kind: string,
  at: number,
  task?: string,
  data: Record<string, unknown> = {},
): GoferEvent {
  return {
    seq: ++seq,
    at,
    kind,
    namespace: "default",
    pipeline: "p",
    run: 3,
    data,
    ...(task === undefined ? {} : { task }),
  };
}
