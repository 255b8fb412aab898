-- name: insert
INSERT INTO run_tokens (hash, run_key, task, created_at) VALUES (?, ?, ?, ?);

-- name: get
SELECT r.namespace, p.id AS pipeline, r.number, t.task
FROM run_tokens AS t JOIN runs AS r ON r.key = t.run_key JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE t.hash = ? AND r.ended_at IS NULL;

-- name: delete_of_run
DELETE FROM run_tokens WHERE run_key = ?;

-- name: delete_of_ended_runs
DELETE FROM run_tokens WHERE run_key IN (SELECT key FROM runs WHERE ended_at IS NOT NULL);
