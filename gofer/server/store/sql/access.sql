-- name: tokens
SELECT key, id, hash, previous_hash, previous_until, kind, root, description, namespaces, roles, created_at, created_by,
  expires_at, disabled_at, rotated_at, last_used_at, last_used_from FROM tokens ORDER BY key;

-- name: roles
SELECT id, description, permissions, created_at, created_by, modified_at, modified_by FROM roles ORDER BY id;

-- name: sessions
SELECT s.hash, t.id AS token, s.created_at, s.seen_at, s.address, s.agent
FROM sessions AS s JOIN tokens AS t ON t.key = s.token_key;

-- name: insert_token
INSERT INTO tokens (id, hash, kind, root, description, namespaces, roles, created_at, created_by, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update_token
UPDATE tokens SET hash = ?, previous_hash = ?, previous_until = ?, description = ?, disabled_at = ?, rotated_at = ?
WHERE key = ?;

-- name: delete_token
DELETE FROM tokens WHERE key = ?;

-- name: note_token_use
UPDATE tokens SET last_used_at = ?, last_used_from = ? WHERE id = ?;

-- name: insert_role
INSERT INTO roles (id, description, permissions, created_at, created_by, modified_at, modified_by)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: update_role
UPDATE roles SET description = ?, permissions = ?, modified_at = ?, modified_by = ? WHERE id = ?;

-- name: delete_role
DELETE FROM roles WHERE id = ?;

-- name: set_roles
UPDATE tokens SET roles = ? WHERE key = ?;

-- name: insert_session
INSERT INTO sessions (hash, token_key, created_at, seen_at, address, agent)
SELECT :digest, key, :created_at, :seen_at, :address, :agent FROM tokens WHERE id = :token;

-- name: see_session
UPDATE sessions SET seen_at = ? WHERE hash = ?;

-- name: delete_session
DELETE FROM sessions WHERE hash = ?;

-- name: delete_sessions_before
DELETE FROM sessions WHERE token_key = ? AND created_at < ?;

-- name: delete_all_sessions
DELETE FROM sessions;
