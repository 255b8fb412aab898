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

-- name: pipelines_with_more
SELECT p.namespace, p.id FROM pipelines AS p
WHERE (SELECT COUNT(*) FROM versions AS v WHERE v.pipeline_key = p.key) > ?;

-- name: outdated
SELECT v.number FROM versions AS v
WHERE v.pipeline_key = :pipeline_key
  AND v.number <= (
    SELECT number FROM versions WHERE pipeline_key = :pipeline_key ORDER BY number DESC LIMIT 1 OFFSET :keep)
  AND NOT EXISTS (
    SELECT 1 FROM runs AS r INDEXED BY runs_of_version
    WHERE r.pipeline_key = v.pipeline_key AND r.version = v.number)
  AND NOT EXISTS (
    SELECT 1 FROM holds AS h
    WHERE h.pipeline_key = v.pipeline_key AND h.version = v.number AND h.kind = 'frozen')
ORDER BY v.number LIMIT :limit;
