-- name: insert
INSERT INTO versions (pipeline_key, number, hash, created_at, manifest) VALUES (?, ?, ?, ?, ?);

-- name: get
SELECT number, hash, manifest, created_at FROM versions WHERE pipeline_key = ? AND number = ?;

-- name: newest_with_hash
SELECT MAX(number) FROM versions WHERE pipeline_key = ? AND hash = ?;

-- name: list_page
SELECT number, hash, created_at FROM versions WHERE pipeline_key = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: count
SELECT COUNT(*) FROM versions WHERE pipeline_key = ?;
