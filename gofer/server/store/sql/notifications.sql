-- name: insert
INSERT INTO notifications (run_key, label, common_task, settings, previous, created_at, next_at)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: previous_outcome
SELECT status FROM (
  SELECT status, ended_at, number FROM runs WHERE pipeline_key = ? AND key <> ? ORDER BY number DESC LIMIT ?)
WHERE status IN ('successful', 'failed')
ORDER BY ended_at DESC, number DESC LIMIT 1;

-- name: due
SELECT n.* FROM notifications AS n INDEXED BY notifications_pending
LEFT JOIN common_tasks AS c ON c.id = n.common_task
WHERE n.status = 'pending' AND n.next_at <= ? AND (c.image IS NULL OR c.image LIKE 'builtin:%') = ?
ORDER BY n.next_at LIMIT ?;

-- name: next_due
SELECT min(next_at) FROM notifications INDEXED BY notifications_pending WHERE status = 'pending' AND next_at > ?;

-- name: oldest_of_runs
SELECT min(r.created_at)
FROM notifications AS n INDEXED BY notifications_pending JOIN runs AS r ON r.key = n.run_key
WHERE n.status = 'pending';

-- name: under_way
SELECT * FROM notifications INDEXED BY notifications_pending WHERE status = 'pending' AND started_at IS NOT NULL;

-- name: begin
UPDATE notifications SET attempt = attempt + 1, started_at = ? WHERE key = ? AND status = 'pending' RETURNING *;

-- name: postpone
UPDATE notifications SET started_at = NULL, detail = ?, output = ?, next_at = ? WHERE key = ?;

-- name: set_ended
UPDATE notifications SET status = ?, started_at = NULL, detail = ?, output = ?, ended_at = ? WHERE key = ?;

-- name: of_run
SELECT * FROM notifications WHERE run_key = ? AND key > ? ORDER BY key LIMIT ?;
