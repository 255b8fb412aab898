-- name: insert
INSERT INTO events (at, kind, namespace, pipeline, run, run_key, task, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: first_seq
SELECT COALESCE((SELECT MIN(seq) FROM events), (SELECT seq FROM sqlite_sequence WHERE name = 'events') + 1, 1);

-- name: last_seq
SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0);

-- name: oldest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events
WHERE seq > :above AND seq < :below
  AND CASE WHEN :kinds IS NULL THEN kind NOT GLOB 'audit.*' ELSE kind IN (SELECT value FROM json_each(:kinds)) END
  AND (:namespace IS NULL OR namespace = :namespace)
  AND CASE WHEN :within IS NULL THEN 1 WHEN namespace IS NULL THEN :server
      ELSE EXISTS (SELECT 1 FROM json_each(:within) WHERE events.namespace GLOB value) END
  AND (:pipeline IS NULL OR pipeline = :pipeline)
  AND (:run IS NULL OR run = :run)
ORDER BY seq LIMIT :limit;

-- name: newest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events
WHERE seq > :above AND seq < :below
  AND CASE WHEN :kinds IS NULL THEN kind NOT GLOB 'audit.*' ELSE kind IN (SELECT value FROM json_each(:kinds)) END
  AND (:namespace IS NULL OR namespace = :namespace)
  AND CASE WHEN :within IS NULL THEN 1 WHEN namespace IS NULL THEN :server
      ELSE EXISTS (SELECT 1 FROM json_each(:within) WHERE events.namespace GLOB value) END
  AND (:pipeline IS NULL OR pipeline = :pipeline)
  AND (:run IS NULL OR run = :run)
ORDER BY seq DESC LIMIT :limit;

-- name: run_key
SELECT r.key FROM pipelines AS p JOIN runs AS r ON r.pipeline_key = p.key
WHERE p.namespace = ? AND p.id = ? AND r.number = ?;

-- name: of_run_oldest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events INDEXED BY events_of_run
WHERE run_key = :run_key AND seq > :above AND seq < :below
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY seq LIMIT :limit;

-- name: of_run_newest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events INDEXED BY events_of_run
WHERE run_key = :run_key AND seq > :above AND seq < :below
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY seq DESC LIMIT :limit;

-- name: of_pipeline_oldest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events INDEXED BY events_of_pipeline
WHERE namespace = :namespace AND pipeline = :pipeline AND pipeline IS NOT NULL AND kind NOT GLOB 'audit.*'
  AND seq > :above AND seq < :below
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
  AND (:run IS NULL OR run = :run)
ORDER BY seq LIMIT :limit;

-- name: of_pipeline_newest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events INDEXED BY events_of_pipeline
WHERE namespace = :namespace AND pipeline = :pipeline AND pipeline IS NOT NULL AND kind NOT GLOB 'audit.*'
  AND seq > :above AND seq < :below
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
  AND (:run IS NULL OR run = :run)
ORDER BY seq DESC LIMIT :limit;

-- name: of_audit_oldest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events INDEXED BY events_of_audit
WHERE kind GLOB 'audit.*' AND seq > :above AND seq < :below
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
  AND (:namespace IS NULL OR namespace = :namespace)
  AND CASE WHEN :within IS NULL THEN 1 WHEN namespace IS NULL THEN :server
      ELSE EXISTS (SELECT 1 FROM json_each(:within) WHERE events.namespace GLOB value) END
  AND (:pipeline IS NULL OR pipeline = :pipeline)
  AND (:run IS NULL OR run = :run)
  AND (:by IS NULL OR json_extract(data, '$.by') = :by)
ORDER BY seq LIMIT :limit;

-- name: of_audit_newest_first
SELECT seq, at, kind, namespace, pipeline, run, task, data FROM events INDEXED BY events_of_audit
WHERE kind GLOB 'audit.*' AND seq > :above AND seq < :below
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
  AND (:namespace IS NULL OR namespace = :namespace)
  AND CASE WHEN :within IS NULL THEN 1 WHEN namespace IS NULL THEN :server
      ELSE EXISTS (SELECT 1 FROM json_each(:within) WHERE events.namespace GLOB value) END
  AND (:pipeline IS NULL OR pipeline = :pipeline)
  AND (:run IS NULL OR run = :run)
  AND (:by IS NULL OR json_extract(data, '$.by') = :by)
ORDER BY seq DESC LIMIT :limit;

-- name: delete_older
DELETE FROM events WHERE seq > :above AND seq <= :upto AND at < :cutoff;

-- name: keeps_any
SELECT 1 FROM events WHERE seq > :above AND seq <= :upto AND at BETWEEN :cutoff AND :now LIMIT 1;
