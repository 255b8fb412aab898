-- name: insert
INSERT INTO attempts (run_key, position, number, uid, container, status, starting_at)
VALUES (?, ?, ?, ?, ?, 'starting', ?);

-- name: of_task_run
SELECT * FROM attempts WHERE run_key = ? AND position = ? ORDER BY number;

-- name: of_run
SELECT a.*, t.id AS task
FROM attempts AS a JOIN task_runs AS t ON t.run_key = a.run_key AND t.position = a.position
WHERE a.run_key = ? AND (a.position, a.number) > (?, ?)
ORDER BY a.position, a.number LIMIT ?;

-- name: get
SELECT * FROM attempts WHERE run_key = ? AND position = ? AND number = ?;

-- name: unfinished_of_run
SELECT * FROM attempts WHERE run_key = ? AND ended_at IS NULL ORDER BY position;

-- name: set_running
UPDATE attempts SET status = 'running', running_at = ?, image_digest = ? WHERE run_key = ? AND position = ? AND number = ?;

-- name: set_ended
UPDATE attempts
SET status = ?, reason = ?, detail = ?, exit_code = ?, ended_at = ?, log_state = 'complete', log_lines = ?, log_bytes = ?
WHERE run_key = ? AND position = ? AND number = ?;

-- name: open_containers
SELECT a.container
FROM runs AS r INDEXED BY runs_unfinished JOIN attempts AS a ON a.run_key = r.key
WHERE r.status IN ('queued', 'running') AND a.ended_at IS NULL;
