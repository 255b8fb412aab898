-- name: runs_by_status
SELECT status, runs FROM run_counts;

-- name: count_runs_by_status
SELECT status, COUNT(*) FROM runs GROUP BY status;

-- name: latest_event_at
-- Not that of the newest: a start, which is an event too, has the time of a clock that may be behind.
SELECT max(at) AS at FROM (SELECT at FROM events ORDER BY seq DESC LIMIT 10000);

-- name: ended_but_running
SELECT r.namespace, p.id AS pipeline, r.number
FROM runs AS r INDEXED BY runs_unfinished JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.status IN ('queued', 'running') AND r.status = 'running' AND r.started_at < :before
  AND NOT EXISTS (
    SELECT 1 FROM task_runs AS t
    WHERE t.run_key = r.key
      AND (t.status NOT IN ('successful', 'failed', 'cancelled', 'skipped') OR t.ended_at > :before)
  )
ORDER BY r.key LIMIT :limit;

-- name: never_cancelled
SELECT r.namespace, p.id AS pipeline, r.number
FROM runs AS r INDEXED BY runs_unfinished JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.status IN ('queued', 'running') AND r.cancel_requested_at < :before
ORDER BY r.key LIMIT :limit;

-- name: newest_logs
SELECT p.namespace, p.id AS pipeline, r.number, t.id AS task, a.number AS attempt
FROM (
  SELECT key, pipeline_key, number FROM runs
  WHERE logs_expired = 0 AND status IN ('successful', 'failed', 'cancelled')
  ORDER BY key DESC LIMIT ?
) AS r
JOIN pipelines AS p ON p.key = r.pipeline_key
JOIN attempts AS a ON a.run_key = r.key AND a.log_state = 'complete' AND a.log_bytes > 0
JOIN task_runs AS t ON t.run_key = a.run_key AND t.position = a.position;

-- name: oldest_queued
SELECT created_at FROM runs INDEXED BY runs_unfinished
WHERE status IN ('queued', 'running') AND status = 'queued'
ORDER BY key LIMIT 1;
