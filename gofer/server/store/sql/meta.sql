-- name: get
SELECT value FROM meta WHERE name = ?;

-- name: put
INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: remove
DELETE FROM meta WHERE name = ?;
