-- name: runs
SELECT r.key, r.number, r.version, r.status, r.created_at, r.started_at, r.ended_at, r.task_count
FROM runs AS r WHERE r.pipeline_key = :pipeline_key AND r.number < :before
ORDER BY r.number DESC LIMIT :limit;

-- name: task_runs
SELECT t.run_key, t.id, t.status, t.attempt, t.started_at, t.ended_at
FROM json_each(:run_keys) AS k CROSS JOIN task_runs AS t ON t.run_key = k.value AND t.position < :most
ORDER BY t.run_key, t.position;
