-- name: insert
INSERT INTO namespaces (id, name, description, created_at, modified_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;

-- name: get
SELECT id, name, description, created_at, modified_at FROM namespaces WHERE id = ?;

-- name: list_page
SELECT id, name, description, created_at, modified_at FROM namespaces
WHERE id > :after AND (:seen IS NULL OR EXISTS (SELECT 1 FROM json_each(:seen) WHERE namespaces.id GLOB value))
ORDER BY id LIMIT :limit;

-- name: update
UPDATE namespaces SET name = COALESCE(?, name), description = COALESCE(?, description), modified_at = ? WHERE id = ?
RETURNING id, name, description, created_at, modified_at;

-- name: has_pipelines
SELECT 1 FROM pipelines WHERE namespace = ? LIMIT 1;

-- name: delete
DELETE FROM namespaces WHERE id = ?;
