-- name: of_deployment
SELECT key, status, ended_at - started_at, task_count FROM runs INDEXED BY runs_of_deployment
WHERE pipeline_key = :pipeline_key AND deployment = :deployment AND version = :version AND retry_of IS NULL
ORDER BY key DESC LIMIT :limit;

-- name: of_version
SELECT key, status, ended_at - started_at, task_count FROM runs INDEXED BY runs_of_version
WHERE pipeline_key = :pipeline_key AND version = :version AND created_at >= :since AND created_at < :until
  AND retry_of IS NULL AND initiator_kind <> 'deployment'
ORDER BY number DESC LIMIT :limit;

-- name: task_runs
SELECT t.run_key, t.id, t.status, t.ended_at - t.started_at, count(a.number), COALESCE(sum(a.ended_at - a.running_at), 0)
FROM json_each(:run_keys) AS k CROSS JOIN task_runs AS t ON t.run_key = k.value
  LEFT JOIN attempts AS a ON a.run_key = t.run_key AND a.position = t.position
GROUP BY t.run_key, t.position
ORDER BY t.run_key, t.position;
