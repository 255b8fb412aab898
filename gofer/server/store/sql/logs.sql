-- name: expirable
SELECT r.key, r.number, p.namespace, p.id AS pipeline
FROM pipelines AS p
JOIN runs AS r INDEXED BY runs_with_logs ON r.pipeline_key = p.key AND r.logs_expired = 0
WHERE p.key = ? AND r.number <= p.last_run - ? AND r.status IN ('successful', 'failed', 'cancelled')
ORDER BY r.number LIMIT ?;

-- name: expire_run
UPDATE runs SET logs_expired = 1 WHERE key = ? AND logs_expired = 0;

-- name: expire_attempts
UPDATE attempts SET log_state = 'expired' WHERE run_key = ?;

-- name: kept
SELECT number FROM runs INDEXED BY runs_with_logs WHERE pipeline_key = ? AND logs_expired = 0;

-- name: key
SELECT key FROM pipelines WHERE namespace = ? AND id = ?;

-- name: pipelines_with_expirable
SELECT DISTINCT p.key
FROM pipelines AS p
JOIN runs AS r INDEXED BY runs_with_logs ON r.pipeline_key = p.key AND r.logs_expired = 0
WHERE r.number <= p.last_run - ? AND r.status IN ('successful', 'failed', 'cancelled');

-- name: pipelines
SELECT namespace, id FROM pipelines;
