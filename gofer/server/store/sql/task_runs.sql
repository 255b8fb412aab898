-- name: insert
INSERT INTO task_runs (run_key, position, id, status, reason, detail, allow_failure, exit_code, queued_at, started_at, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: of_run
SELECT * FROM task_runs WHERE run_key = ? AND position > ? ORDER BY position LIMIT ?;

-- name: get
SELECT * FROM task_runs WHERE run_key = ? AND id = ? LIMIT 1;

-- name: set_queued
UPDATE task_runs SET status = 'queued', reason = ?, detail = ?, queued_at = COALESCE(queued_at, ?), next_attempt_at = ?
WHERE run_key = ? AND position = ?;

-- name: set_starting
UPDATE task_runs
SET status = 'starting', reason = '', detail = '', attempt = ?, queued_at = COALESCE(queued_at, ?), next_attempt_at = NULL
WHERE run_key = ? AND position = ?;

-- name: set_running
UPDATE task_runs SET status = 'running', started_at = COALESCE(started_at, ?) WHERE run_key = ? AND position = ?;

-- name: set_ended
UPDATE task_runs SET status = ?, reason = ?, detail = ?, exit_code = ?, ended_at = ?, next_attempt_at = NULL
WHERE run_key = ? AND position = ?;

-- name: request_cancel
UPDATE task_runs SET cancel_requested_at = ? WHERE run_key = ? AND position = ? AND cancel_requested_at IS NULL;
