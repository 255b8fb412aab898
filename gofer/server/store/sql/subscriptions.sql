-- name: keys_of_trigger
SELECT key FROM subscriptions WHERE trigger_id = ? ORDER BY key;

-- name: by_keys
SELECT s.*, p.namespace, p.id AS pipeline
FROM json_each(?) AS wanted
CROSS JOIN subscriptions AS s ON s.key = wanted.value
CROSS JOIN pipelines AS p ON p.key = s.pipeline_key;

-- name: of_pipeline
SELECT s.*, p.namespace, p.id AS pipeline
FROM subscriptions AS s JOIN pipelines AS p ON p.key = s.pipeline_key
WHERE s.pipeline_key = ? ORDER BY s.label;

-- name: get
SELECT s.*, p.namespace, p.id AS pipeline
FROM subscriptions AS s JOIN pipelines AS p ON p.key = s.pipeline_key
WHERE s.pipeline_key = ? AND s.label = ?;

-- name: page_of_pipeline
SELECT s.*, p.namespace, p.id AS pipeline
FROM subscriptions AS s JOIN pipelines AS p ON p.key = s.pipeline_key
WHERE s.pipeline_key = ? AND s.label > ? ORDER BY s.label LIMIT ?;

-- name: insert
INSERT INTO subscriptions (pipeline_key, label, trigger_id, settings, parameters, origin, created_at, changed_at)
VALUES (:pipeline_key, :label, :trigger, :settings, :parameters, :origin, :at, :at);

-- name: set_settings
UPDATE subscriptions SET settings = ?, changed_at = ? WHERE key = ?;

-- name: set_parameters
UPDATE subscriptions SET parameters = ? WHERE key = ?;

-- name: delete
DELETE FROM subscriptions WHERE key = ?;

-- name: set_last_event
UPDATE subscriptions SET last_event = :event, last_event_at = :at
WHERE key = :key AND (last_event_at IS NULL OR last_event_at <= :at);

-- name: count_of_trigger
SELECT COUNT(*) FROM subscriptions WHERE trigger_id = ?;

-- name: installed
SELECT enabled FROM triggers WHERE id = ?;
