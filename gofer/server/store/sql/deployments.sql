-- name: insert
INSERT INTO deployments
  (pipeline_key, number, strategy, cause, from_version, to_version, settings, status, notes, started_at, started_by,
   ended_at, ended_by)
VALUES (:pipeline_key, :number, :strategy, :cause, :from_version, :to_version, :settings, :status, :notes, :started_at,
  :started_by, :ended_at, :ended_by);

-- name: next_number
UPDATE pipelines SET last_deployment = last_deployment + 1 WHERE key = ? RETURNING last_deployment;

-- name: get
SELECT * FROM deployments WHERE pipeline_key = ? AND number = ?;

-- name: under_way
SELECT * FROM deployments INDEXED BY deployments_under_way WHERE pipeline_key = ? AND status = 'running';

-- name: all_under_way
SELECT * FROM deployments INDEXED BY deployments_under_way WHERE status = 'running' ORDER BY key;

-- name: list_page
SELECT * FROM deployments WHERE pipeline_key = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: live_before
SELECT from_version FROM deployments
WHERE pipeline_key = :pipeline_key AND status = 'completed' AND cause <> 'rollback' AND to_version = :live
  AND from_version NOT IN (0, :live)
ORDER BY number DESC LIMIT 1;

-- name: made_live
SELECT * FROM deployments WHERE pipeline_key = ? AND status = 'completed' AND to_version = ?
ORDER BY number DESC LIMIT 1;

-- name: assign
UPDATE deployments SET assigned = assigned + 1 WHERE key = ? RETURNING assigned;

-- name: end
UPDATE deployments
SET status = :status, reason = :reason, detail = :detail, figures = :figures, ended_at = :at, ended_by = :by
WHERE key = :key AND status = 'running';

-- name: outcomes
SELECT number, status, ended_at - started_at FROM runs
WHERE pipeline_key = ? AND deployment = ? AND version = ? AND status IN ('successful', 'failed')
ORDER BY key DESC LIMIT ?;

-- name: outcomes_before
SELECT number, status, ended_at - started_at FROM runs
WHERE pipeline_key = :pipeline_key AND version = :version AND created_at < :before
  AND status IN ('successful', 'failed')
ORDER BY number DESC LIMIT :limit;

-- name: smoke_runs
SELECT number, status, reason, detail FROM runs INDEXED BY runs_of_deployment
WHERE pipeline_key = ? AND deployment = ? AND version = ?
ORDER BY number;

-- name: set_waiting
UPDATE deployments SET reason = :reason, detail = :detail
WHERE key = :key AND status = 'running' AND (reason, detail) IS NOT (:reason, :detail);
