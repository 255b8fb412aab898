-- name: put
INSERT INTO holds (pipeline_key, version, kind, reason, held_at, held_by) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (pipeline_key, version, kind) DO UPDATE SET reason = excluded.reason, held_at = excluded.held_at,
  held_by = excluded.held_by;

-- name: delete
DELETE FROM holds WHERE pipeline_key = ? AND version = ? AND kind = ?;

-- name: delete_all
DELETE FROM holds WHERE pipeline_key = ? AND version = ?;

-- name: get
SELECT kind, reason, held_at, held_by FROM holds WHERE pipeline_key = ? AND version = ? AND kind = ?;

-- name: of_pipeline
SELECT version, kind, reason, held_at, held_by FROM holds WHERE pipeline_key = ? ORDER BY version, kind;

-- name: of_version
SELECT kind, reason, held_at, held_by FROM holds WHERE pipeline_key = ? AND version = ? ORDER BY kind;

-- name: paused_pipelines
SELECT pipeline_key FROM holds WHERE version = 0 AND kind = 'paused';
