-- name: insert
INSERT INTO versions (pipeline_key, number, hash, created_at, manifest, registered_by, notes)
VALUES (:pipeline_key, :number, :hash, :at, :manifest, :registered_by, :notes);

-- name: get
SELECT number, hash, manifest, created_at, registered_by, notes FROM versions WHERE pipeline_key = ? AND number = ?;

-- name: exists
SELECT 1 FROM versions WHERE pipeline_key = ? AND number = ?;

-- name: newest
SELECT MAX(number) FROM versions WHERE pipeline_key = ?;

-- name: newest_with_hash
SELECT MAX(number) FROM versions WHERE pipeline_key = ? AND hash = ?;

-- name: list_page
SELECT number, hash, created_at, registered_by, notes FROM versions
WHERE pipeline_key = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: set_notes
UPDATE versions SET notes = ? WHERE pipeline_key = ? AND number = ?;

-- name: delete
DELETE FROM versions WHERE pipeline_key = ? AND number = ?;

-- name: count
SELECT COUNT(*) FROM versions WHERE pipeline_key = ?;
