-- name: insert
INSERT INTO triggers
  (id, image, settings, options, info, enabled, events_seq, created_at, created_by, modified_at)
VALUES (:id, :image, :settings, :options, :info, :enabled, :events_seq, :at, :by, :at)
ON CONFLICT (id) DO NOTHING RETURNING key;

-- name: get
SELECT * FROM triggers WHERE id = ?;

-- name: all
SELECT * FROM triggers ORDER BY id;

-- name: list_page
SELECT * FROM triggers WHERE id > ? ORDER BY id LIMIT ?;

-- name: update
UPDATE triggers SET image = :image, settings = :settings, options = :options, info = :info, enabled = :enabled,
  modified_at = :at,
  -- What happens while it is disabled is not for it.
  events_seq = CASE WHEN :enabled AND NOT enabled THEN :events_seq ELSE events_seq END
WHERE key = :key;

-- name: set_start
UPDATE triggers SET start_uid = ?, started_at = ? WHERE key = ?;

-- name: set_info
UPDATE triggers SET info = ? WHERE key = ?;

-- name: delete
DELETE FROM triggers WHERE key = ?;

-- name: starts
SELECT start_uid FROM triggers WHERE start_uid <> '' AND enabled;

-- name: last_event_at
SELECT received_at FROM trigger_events WHERE trigger_key = ? ORDER BY key DESC LIMIT 1;

-- name: subscribed
SELECT trigger_id, count(*) FROM subscriptions GROUP BY trigger_id;

-- name: users
SELECT p.namespace, p.id, s.label FROM subscriptions AS s JOIN pipelines AS p ON p.key = s.pipeline_key
WHERE s.trigger_id = ? ORDER BY p.namespace, p.id, s.label LIMIT ?;

-- name: events_seq
SELECT events_seq FROM triggers WHERE key = ?;

-- name: set_events_seq
UPDATE triggers SET events_seq = ? WHERE key = ?;
