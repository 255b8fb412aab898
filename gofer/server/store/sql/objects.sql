-- name: of_pipeline
SELECT * FROM objects WHERE pipeline_key = ? AND run_key IS NULL AND name = ?;

-- name: of_run
SELECT * FROM objects WHERE run_key = ? AND name = ?;

-- name: list_of_pipeline
SELECT * FROM objects WHERE pipeline_key = ? AND run_key IS NULL AND name > ? ORDER BY name LIMIT ?;

-- name: list_of_run
SELECT * FROM objects WHERE run_key = ? AND name > ? ORDER BY name LIMIT ?;

-- name: insert
INSERT INTO objects (pipeline_key, run_key, run, name, digest, size, content_type, created_at, modified_at, created_by)
VALUES (:pipeline_key, :run_key, :run, :name, :digest, :size, :content_type, :at, :at, :by)
RETURNING *;

-- name: take_over
INSERT INTO objects (pipeline_key, run_key, run, name, digest, size, content_type, created_at, modified_at, created_by)
SELECT :pipeline_key, :run_key, :run, name, digest, size, content_type, created_at, modified_at, created_by
FROM objects WHERE run_key = :from;

-- name: replace
UPDATE objects SET digest = :digest, size = :size, content_type = :content_type, modified_at = :at, created_by = :by
WHERE key = :key
RETURNING *;

-- name: delete
DELETE FROM objects WHERE key = ?;

-- name: count_of_pipeline
SELECT COUNT(*) FROM objects WHERE pipeline_key = ? AND run_key IS NULL;

-- name: oldest_of_pipeline
SELECT key, name, size FROM objects INDEXED BY objects_of_pipeline_by_age
WHERE pipeline_key = ? AND run_key IS NULL AND name <> ?
ORDER BY modified_at, key LIMIT ?;

-- name: delete_some
DELETE FROM objects WHERE key IN (SELECT key FROM objects WHERE pipeline_key = ? LIMIT ?);

-- name: any_of
SELECT 1 FROM objects WHERE pipeline_key = ? LIMIT 1;

-- name: run
SELECT r.key, r.status, r.number + :keep < p.last_run AS old
FROM runs AS r JOIN pipelines AS p ON p.key = r.pipeline_key
WHERE r.pipeline_key = :pipeline_key AND r.number = :number;

-- name: expirable
SELECT o.key, o.run, o.run_key, o.size, p.namespace, p.id AS pipeline
FROM pipelines AS p
CROSS JOIN objects AS o INDEXED BY objects_by_run ON o.pipeline_key = p.key
CROSS JOIN runs AS r ON r.key = o.run_key
WHERE p.key = :pipeline_key AND o.run < p.last_run - :keep AND r.status IN ('successful', 'failed', 'cancelled')
ORDER BY o.run LIMIT :limit;

-- name: pipelines_with_expirable
SELECT p.key FROM pipelines AS p
WHERE EXISTS (
  SELECT 1 FROM objects AS o INDEXED BY objects_by_run JOIN runs AS r ON r.key = o.run_key
  WHERE o.pipeline_key = p.key AND o.run < p.last_run - ? AND r.status IN ('successful', 'failed', 'cancelled')
);

-- name: loose
SELECT digest FROM contents INDEXED BY contents_loose WHERE uses = 0 AND digest > ? ORDER BY digest LIMIT ?;

-- name: uses
SELECT uses FROM contents WHERE digest = ?;

-- name: forget
DELETE FROM contents WHERE digest = ? AND uses = 0;

-- name: totals
SELECT objects, bytes, contents, content_bytes FROM object_totals;
