-- name: insert
INSERT INTO runs (pipeline_key, namespace, number, version, status, reason, detail, initiator_kind, initiator_name,
                  parameters, retry_of, task_count, created_at, ended_at, correlation_id, variables,
                  deployment)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: next_number
UPDATE pipelines SET last_run = last_run + 1 WHERE key = ? RETURNING last_run;

-- name: get
SELECT p.id AS pipeline, r.*
FROM pipelines AS p JOIN runs AS r ON r.pipeline_key = p.key
WHERE p.namespace = ? AND p.id = ? AND r.number = ?;

-- name: by_key
SELECT p.id AS pipeline, r.* FROM runs AS r JOIN pipelines AS p ON p.key = r.pipeline_key WHERE r.key = ?;

-- name: unfinished
SELECT p.id AS pipeline, r.*
FROM runs AS r INDEXED BY runs_unfinished JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.status IN ('queued', 'running') AND r.key > ?
ORDER BY r.key LIMIT ?;

-- name: unfinished_span
SELECT min(created_at), max(created_at) FROM runs INDEXED BY runs_unfinished WHERE status IN ('queued', 'running');

-- name: unfinished_of_pipeline
SELECT r.key, r.number, r.status, r.cancel_requested_at, r.initiator_kind
FROM runs AS r INDEXED BY runs_unfinished_of_pipeline
WHERE r.status IN ('queued', 'running') AND r.pipeline_key = ?
ORDER BY r.key;

-- name: of_pipeline
SELECT p.id AS pipeline, r.*
FROM pipelines AS p JOIN runs AS r ON r.pipeline_key = p.key
WHERE p.namespace = :namespace AND p.id = :pipeline AND r.number < :before
ORDER BY r.number DESC LIMIT :limit;

-- name: of_namespace
SELECT p.id AS pipeline, r.*
FROM runs AS r INDEXED BY runs_of_namespace JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.namespace = :namespace AND r.key < :before
  AND (:seen IS NULL OR r.pipeline_key IN (
    SELECT key FROM pipelines WHERE namespace = :namespace
      AND EXISTS (SELECT 1 FROM json_each(:seen) WHERE pipelines.id GLOB value)))
ORDER BY r.key DESC LIMIT :limit;

-- name: set_running
UPDATE runs SET status = 'running', started_at = ? WHERE key = ?;

-- name: set_ended
UPDATE runs SET status = ?, reason = ?, detail = ?, ended_at = ? WHERE key = ?;

-- name: request_cancel
UPDATE runs SET cancel_requested_at = ?, cancel_reason = ?
WHERE key = ? AND cancel_requested_at IS NULL AND status IN ('queued', 'running');

-- name: of_pipeline_gone_wrong
SELECT p.id AS pipeline, r.*
FROM pipelines AS p JOIN runs AS r INDEXED BY runs_gone_wrong ON r.pipeline_key = p.key
WHERE p.namespace = :namespace AND p.id = :pipeline AND r.number < :before
  AND r.status = :status AND r.status IN ('failed', 'cancelled')
ORDER BY r.number DESC LIMIT :limit;

-- name: of_pipeline_unfinished
SELECT p.id AS pipeline, r.*
FROM pipelines AS p CROSS JOIN runs AS r INDEXED BY runs_unfinished_of_pipeline ON r.pipeline_key = p.key
WHERE p.namespace = :namespace AND p.id = :pipeline AND r.number < :before
  AND r.status = :status AND r.status IN ('queued', 'running')
ORDER BY r.key DESC LIMIT :limit;

-- name: of_namespace_gone_wrong
SELECT p.id AS pipeline, r.*
FROM runs AS r INDEXED BY runs_gone_wrong_of_namespace JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.namespace = :namespace AND r.key < :before AND r.status = :status AND r.status IN ('failed', 'cancelled')
  AND (:seen IS NULL OR r.pipeline_key IN (
    SELECT key FROM pipelines WHERE namespace = :namespace
      AND EXISTS (SELECT 1 FROM json_each(:seen) WHERE pipelines.id GLOB value)))
ORDER BY r.key DESC LIMIT :limit;

-- name: of_namespace_unfinished
SELECT p.id AS pipeline, r.*
FROM runs AS r INDEXED BY runs_unfinished JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.namespace = :namespace AND r.key < :before AND r.status = :status AND r.status IN ('queued', 'running')
  AND (:seen IS NULL OR r.pipeline_key IN (
    SELECT key FROM pipelines WHERE namespace = :namespace
      AND EXISTS (SELECT 1 FROM json_each(:seen) WHERE pipelines.id GLOB value)))
ORDER BY r.key DESC LIMIT :limit;

-- name: of_correlation
SELECT p.id AS pipeline, r.*
FROM runs AS r INDEXED BY runs_of_correlation JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.correlation_id = :correlation_id AND r.correlation_id <> '' AND r.namespace = :namespace
  AND (:pipeline IS NULL OR (p.id = :pipeline AND r.number < :before))
  AND (:pipeline IS NOT NULL OR r.key < :before)
  AND (:status IS NULL OR r.status = :status)
  AND (:seen IS NULL OR r.pipeline_key IN (
    SELECT key FROM pipelines WHERE namespace = :namespace
      AND EXISTS (SELECT 1 FROM json_each(:seen) WHERE pipelines.id GLOB value)))
ORDER BY r.key DESC LIMIT :limit;

-- name: parameters_of_events
SELECT e.seq, r.parameters FROM events AS e JOIN runs AS r ON r.key = e.run_key
WHERE e.seq IN (SELECT value FROM json_each(?));

-- name: newest_of_version
SELECT MAX(number) FROM runs WHERE pipeline_key = ? AND version = ?;
