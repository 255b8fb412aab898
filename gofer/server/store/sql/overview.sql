-- name: pipelines
SELECT * FROM pipelines
WHERE namespace = :namespace AND id > :after
  AND (:wanted IS NULL OR id IN (SELECT value FROM json_each(:wanted)))
  AND (:seen IS NULL OR EXISTS (SELECT 1 FROM json_each(:seen) WHERE pipelines.id GLOB value))
ORDER BY id LIMIT :limit;

-- name: last_runs
SELECT r.pipeline_key, r.number, r.status, r.created_at, r.started_at, r.ended_at
FROM json_each(:keys) AS k CROSS JOIN pipelines AS p ON p.key = k.value
  CROSS JOIN runs AS r ON r.pipeline_key = p.key AND r.number > p.last_run - :count
ORDER BY r.pipeline_key, r.number;

-- name: unfinished
SELECT k.value, r.status, count(*)
FROM json_each(:keys) AS k CROSS JOIN runs AS r ON r.key IN (
  SELECT key FROM runs INDEXED BY runs_unfinished_of_pipeline
  WHERE pipeline_key = k.value AND status IN ('queued', 'running') ORDER BY key LIMIT :most)
GROUP BY k.value, r.status;

-- name: holds
SELECT h.pipeline_key, h.kind FROM json_each(:keys) AS k CROSS JOIN holds AS h
  ON h.pipeline_key = k.value AND h.version = 0
ORDER BY h.pipeline_key, h.kind;

-- name: deployments
SELECT d.pipeline_key, d.number FROM json_each(:keys) AS k CROSS JOIN deployments AS d INDEXED BY deployments_under_way
  ON d.pipeline_key = k.value AND d.status = 'running';

-- name: subscriptions
SELECT s.*, p.namespace, p.id AS pipeline
FROM json_each(:keys) AS k CROSS JOIN pipelines AS p ON p.key = k.value
  CROSS JOIN subscriptions AS s ON s.pipeline_key = p.key;
