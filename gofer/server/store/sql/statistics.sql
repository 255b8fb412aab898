-- name: newest_runs
SELECT r.namespace, p.id, r.number, r.status, r.created_at, r.started_at, r.ended_at
FROM (SELECT * FROM runs ORDER BY key DESC LIMIT :limit) AS r JOIN pipelines AS p ON p.key = r.pipeline_key;

-- name: unfinished
SELECT r.namespace, p.id, r.number, r.status, r.created_at, r.started_at, r.ended_at
FROM runs AS r INDEXED BY runs_unfinished JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.status IN ('queued', 'running')
ORDER BY r.key LIMIT :limit;
