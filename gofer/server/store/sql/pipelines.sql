-- name: insert
INSERT INTO pipelines (namespace, id, name, description, live_version, last_version, created_at, modified_at)
VALUES (:namespace, :id, :name, :description, 0, 1, :at, :at);

-- name: get
SELECT * FROM pipelines WHERE namespace = ? AND id = ?;

-- name: by_key
SELECT * FROM pipelines WHERE key = ?;

-- name: list_page
SELECT * FROM pipelines
WHERE namespace = :namespace AND id > :after
  AND (:seen IS NULL OR EXISTS (SELECT 1 FROM json_each(:seen) WHERE pipelines.id GLOB value))
ORDER BY id LIMIT :limit;

-- name: set_version
UPDATE pipelines
SET name = :name, description = :description, live_version = :version, last_version = MAX(last_version, :version),
    modified_at = :at
WHERE key = :key;

-- name: set_last_version
UPDATE pipelines SET last_version = :version, modified_at = :at WHERE key = :key;

-- name: set_enabled
UPDATE pipelines SET enabled = ?, modified_at = ? WHERE key = ?;

-- name: count
SELECT COUNT(*) FROM pipelines;

-- name: oldest_runs
SELECT number, task_count FROM runs WHERE pipeline_key = ? ORDER BY number LIMIT 500;

-- name: delete_runs
DELETE FROM runs WHERE pipeline_key = ? AND number <= ?;

-- name: delete
DELETE FROM pipelines WHERE key = ?;
