-- name: insert
INSERT INTO idempotency (key, fingerprint, status, body, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO NOTHING;

-- name: get
SELECT fingerprint, status, body, created_at FROM idempotency WHERE key = ?;

-- name: delete_older
DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?);
