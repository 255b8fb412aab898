-- name: insert
INSERT INTO trigger_events (trigger_key, event, subscription_key, namespace, pipeline, label, outcome, detail, run,
                            occurred_at, received_at)
VALUES (:trigger_key, :event, :subscription_key, :namespace, :pipeline, :label, :outcome, :detail, :run, :occurred_at,
        :received_at);

-- name: find
SELECT * FROM trigger_events WHERE trigger_key = ? AND subscription_key = ? AND event = ?;

-- name: alike
SELECT key FROM trigger_events INDEXED BY trigger_events_of_nobody
WHERE trigger_key = :trigger_key AND subscription_key = 0 AND received_at > :since
  AND outcome = :outcome AND detail = :detail
ORDER BY received_at DESC LIMIT 1;

-- name: count_of_nobody
SELECT COUNT(*) FROM trigger_events INDEXED BY trigger_events_of_nobody
WHERE trigger_key = ? AND subscription_key = 0 AND received_at > ?;

-- name: count_one_more
UPDATE trigger_events SET count = count + 1 WHERE key = ?;

-- name: of_trigger
SELECT * FROM trigger_events INDEXED BY trigger_events_of_trigger
WHERE trigger_key = :trigger_key AND key < :before AND (:outcome IS NULL OR outcome = :outcome)
  AND (:namespace IS NULL OR namespace = :namespace) AND (:pipeline IS NULL OR pipeline = :pipeline)
ORDER BY key DESC LIMIT :limit;

-- name: of_pipeline
SELECT e.*, t.id AS trigger_id
FROM trigger_events AS e INDEXED BY trigger_events_of_pipeline
CROSS JOIN triggers AS t ON t.key = e.trigger_key
WHERE e.namespace = :namespace AND e.pipeline = :pipeline AND e.pipeline <> '' AND e.key < :before
  AND (:outcome IS NULL OR e.outcome = :outcome)
ORDER BY e.key DESC LIMIT :limit;

-- name: trigger_key
SELECT key FROM triggers WHERE id = ?;

-- name: delete_older
DELETE FROM trigger_events WHERE key IN (SELECT key FROM trigger_events WHERE received_at < ? LIMIT ?);
