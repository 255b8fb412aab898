-- name: attempts_with_logs
SELECT r.namespace, p.id AS pipeline, r.number AS run, t.id AS task, a.number AS attempt
FROM runs AS r
JOIN pipelines AS p ON p.key = r.pipeline_key
JOIN task_runs AS t ON t.run_key = r.key
JOIN attempts AS a ON a.run_key = t.run_key AND a.position = t.position
WHERE a.log_state <> 'expired'
ORDER BY r.key, a.position, a.number;

-- name: expected_log_bytes
SELECT COALESCE(SUM(log_bytes + 41 * log_lines + 1024), 0) FROM attempts WHERE log_state <> 'expired' AND log_lines > 0;

-- name: complete_logs
SELECT r.namespace, p.id AS pipeline, r.number AS run, t.id AS task, a.run_key, a.position, a.number AS attempt
FROM runs AS r
JOIN pipelines AS p ON p.key = r.pipeline_key
JOIN task_runs AS t ON t.run_key = r.key
JOIN attempts AS a ON a.run_key = t.run_key AND a.position = t.position
WHERE a.log_state = 'complete' AND a.log_lines > 0
ORDER BY r.key, a.position, a.number;

-- name: expire_attempt
UPDATE attempts SET log_state = 'expired' WHERE run_key = ? AND position = ? AND number = ?;

-- name: contents
SELECT digest, MAX(size) AS size FROM objects WHERE digest > ? GROUP BY digest ORDER BY digest;

-- name: expected_content_bytes
SELECT COALESCE(SUM(size + 1024), 0) FROM (SELECT MAX(size) AS size FROM objects GROUP BY digest);

-- name: an_object_with
SELECT o.name, o.run, p.namespace, p.id AS pipeline
FROM objects AS o JOIN pipelines AS p ON p.key = o.pipeline_key
WHERE o.digest = ? LIMIT 1;

-- name: loose_contents
SELECT digest FROM contents WHERE uses = 0;
