-- Tokens of people and programs, as SHA-256 digests. A rotated token's previous digest holds until `previous_until`.
-- `namespaces` and `roles` are JSON lists; both are empty for a management token, which may do everything.
CREATE TABLE tokens (
  key            INTEGER PRIMARY KEY AUTOINCREMENT,
  id             TEXT NOT NULL UNIQUE,
  hash           BLOB NOT NULL UNIQUE,
  previous_hash  BLOB UNIQUE,
  previous_until INTEGER,
  kind           TEXT NOT NULL CHECK (kind IN ('management', 'client')),
  root           INTEGER NOT NULL DEFAULT 0 CHECK (root IN (0, 1)),
  description    TEXT NOT NULL,
  namespaces     TEXT NOT NULL,
  roles          TEXT NOT NULL,
  created_at     INTEGER NOT NULL,
  created_by     TEXT NOT NULL,
  expires_at     INTEGER,
  disabled_at    INTEGER,
  rotated_at     INTEGER,
  last_used_at   INTEGER,
  last_used_from TEXT NOT NULL DEFAULT ''
) STRICT;

-- Roles that somebody has made; those of the system stand in the program. `permissions` is a JSON list.
CREATE TABLE roles (
  id          TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  permissions TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Logins of browsers, as SHA-256 digests of what their cookies hold.
CREATE TABLE sessions (
  hash       BLOB PRIMARY KEY,
  token_key  INTEGER NOT NULL REFERENCES tokens (key) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  address    TEXT NOT NULL,
  agent      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_token ON sessions (token_key);

-- Audit events are many, and lists have them only when they are asked for: they have an index of their own.
DROP INDEX events_of_pipeline;
CREATE INDEX events_of_pipeline ON events (namespace, pipeline) WHERE pipeline IS NOT NULL AND kind NOT GLOB 'audit.*';
CREATE INDEX events_of_audit ON events (seq) WHERE kind GLOB 'audit.*';
