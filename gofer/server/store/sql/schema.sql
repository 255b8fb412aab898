-- The schema after all migrations, to be read in one place. A test keeps it in step with them.

-- Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE namespaces (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pipelines (
  key          INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace    TEXT NOT NULL REFERENCES namespaces (id),
  id           TEXT NOT NULL,
  name         TEXT NOT NULL DEFAULT '',
  description  TEXT NOT NULL DEFAULT '',
  enabled      INTEGER NOT NULL DEFAULT 1,
  live_version INTEGER NOT NULL,
  last_version INTEGER NOT NULL,
  last_run     INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  modified_at  INTEGER NOT NULL,
  last_deployment INTEGER NOT NULL DEFAULT 0,
  UNIQUE (namespace, id)
) STRICT;

CREATE TABLE versions (
  key          INTEGER PRIMARY KEY,
  pipeline_key INTEGER NOT NULL REFERENCES pipelines (key) ON DELETE CASCADE,
  number       INTEGER NOT NULL,
  hash         TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  manifest     TEXT NOT NULL,
  notes        TEXT NOT NULL DEFAULT '',
  registered_by TEXT NOT NULL DEFAULT '',
  UNIQUE (pipeline_key, number)
) STRICT;

-- Whoever registers or imports asks for each content whether it is there already.
CREATE INDEX versions_of_hash ON versions (pipeline_key, hash, number);

-- How versions became live, or are about to: one row for each change, and at most one of a pipeline under way.
-- `settings` is JSON: the strategy's own. `assigned` counts the runs that it has given a version so far. `figures` is
-- JSON: what the decision was made on. `from_version` 0: none was live before.
CREATE TABLE deployments (
  key          INTEGER PRIMARY KEY AUTOINCREMENT,
  pipeline_key INTEGER NOT NULL REFERENCES pipelines (key) ON DELETE CASCADE,
  number       INTEGER NOT NULL,
  strategy     TEXT NOT NULL CHECK (strategy IN ('instant', 'canary', 'ab', 'blue_green')),
  cause        TEXT NOT NULL CHECK (cause IN ('registered', 'deployed', 'rollback')),
  from_version INTEGER NOT NULL,
  to_version   INTEGER NOT NULL,
  settings     TEXT NOT NULL DEFAULT '{}',
  status       TEXT NOT NULL CHECK (status IN ('running', 'completed', 'rolled_back', 'aborted')),
  assigned     INTEGER NOT NULL DEFAULT 0,
  reason       TEXT NOT NULL DEFAULT '',
  detail       TEXT NOT NULL DEFAULT '',
  figures      TEXT NOT NULL DEFAULT '{}',
  notes        TEXT NOT NULL DEFAULT '',
  started_at   INTEGER NOT NULL,
  started_by   TEXT NOT NULL DEFAULT '',
  ended_at     INTEGER,
  ended_by     TEXT NOT NULL DEFAULT '',
  UNIQUE (pipeline_key, number)
) STRICT;

CREATE UNIQUE INDEX deployments_under_way ON deployments (pipeline_key) WHERE status = 'running';

-- What somebody has said must not be, or no longer be, with a pipeline (`version` 0) or one of its versions.
CREATE TABLE holds (
  pipeline_key INTEGER NOT NULL REFERENCES pipelines (key) ON DELETE CASCADE,
  version      INTEGER NOT NULL DEFAULT 0,
  kind         TEXT NOT NULL CHECK (kind IN ('paused', 'frozen', 'deprecated')),
  reason       TEXT NOT NULL DEFAULT '',
  held_at      INTEGER NOT NULL,
  held_by      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (pipeline_key, version, kind)
) STRICT, WITHOUT ROWID;

-- `key` is never used again, so that whatever is named after it is unique for all time.
CREATE TABLE runs (
  key                 INTEGER PRIMARY KEY AUTOINCREMENT,
  pipeline_key        INTEGER NOT NULL REFERENCES pipelines (key) ON DELETE CASCADE,
  namespace           TEXT NOT NULL,
  number              INTEGER NOT NULL,
  version             INTEGER NOT NULL,
  status              TEXT NOT NULL,
  reason              TEXT NOT NULL DEFAULT '',
  detail              TEXT NOT NULL DEFAULT '',
  initiator_kind      TEXT NOT NULL,
  initiator_name      TEXT NOT NULL DEFAULT '',
  parameters          TEXT NOT NULL DEFAULT '{}',
  retry_of            INTEGER,
  task_count          INTEGER NOT NULL,
  created_at          INTEGER NOT NULL,
  started_at          INTEGER,
  ended_at            INTEGER,
  cancel_requested_at INTEGER,
  cancel_reason       TEXT NOT NULL DEFAULT '',
  logs_expired        INTEGER NOT NULL DEFAULT 0,
  correlation_id      TEXT NOT NULL DEFAULT '',
  variables           TEXT NOT NULL DEFAULT '{}',
  deployment          INTEGER,
  UNIQUE (pipeline_key, number)
) STRICT;

CREATE INDEX runs_unfinished ON runs (key) WHERE status IN ('queued', 'running');
CREATE INDEX runs_of_namespace ON runs (namespace, key);
-- Rare outcomes are looked for in long histories; the frequent one is found by looking along.
CREATE INDEX runs_gone_wrong_of_namespace ON runs (namespace, status, key) WHERE status IN ('failed', 'cancelled');
CREATE INDEX runs_gone_wrong ON runs (pipeline_key, status, number) WHERE status IN ('failed', 'cancelled');
CREATE INDEX runs_with_logs ON runs (pipeline_key, number) WHERE logs_expired = 0;
CREATE INDEX runs_of_deployment ON runs (pipeline_key, deployment, version) WHERE deployment IS NOT NULL;
CREATE INDEX runs_of_version ON runs (pipeline_key, version, number);
CREATE INDEX runs_of_correlation ON runs (correlation_id, key) WHERE correlation_id <> '';
CREATE INDEX runs_unfinished_of_pipeline ON runs (pipeline_key, key) WHERE status IN ('queued', 'running');

-- How many runs there are of each status, kept in step by the triggers: nobody has to look at every run to know.
CREATE TABLE run_counts (
  status TEXT PRIMARY KEY,
  runs   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runs_count_new AFTER INSERT ON runs BEGIN
  INSERT INTO run_counts (status, runs) VALUES (new.status, 1) ON CONFLICT (status) DO UPDATE SET runs = runs + 1;
END;

CREATE TRIGGER runs_count_changed AFTER UPDATE OF status ON runs WHEN old.status <> new.status BEGIN
  UPDATE run_counts SET runs = runs - 1 WHERE status = old.status;
  INSERT INTO run_counts (status, runs) VALUES (new.status, 1) ON CONFLICT (status) DO UPDATE SET runs = runs + 1;
END;

CREATE TRIGGER runs_count_gone AFTER DELETE ON runs BEGIN
  UPDATE run_counts SET runs = runs - 1 WHERE status = old.status;
END;

CREATE TABLE task_runs (
  run_key             INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  position            INTEGER NOT NULL,
  id                  TEXT NOT NULL,
  status              TEXT NOT NULL,
  reason              TEXT NOT NULL DEFAULT '',
  detail              TEXT NOT NULL DEFAULT '',
  allow_failure       INTEGER NOT NULL DEFAULT 0,
  attempt             INTEGER NOT NULL DEFAULT 0,
  exit_code           INTEGER,
  queued_at           INTEGER,
  started_at          INTEGER,
  ended_at            INTEGER,
  next_attempt_at     INTEGER,
  cancel_requested_at INTEGER,
  PRIMARY KEY (run_key, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  run_key      INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  uid          TEXT NOT NULL,
  container    TEXT NOT NULL,
  status       TEXT NOT NULL,
  reason       TEXT NOT NULL DEFAULT '',
  detail       TEXT NOT NULL DEFAULT '',
  exit_code    INTEGER,
  image_digest TEXT NOT NULL DEFAULT '',
  starting_at  INTEGER NOT NULL,
  running_at   INTEGER,
  ended_at     INTEGER,
  log_state    TEXT NOT NULL DEFAULT 'open',
  log_lines    INTEGER NOT NULL DEFAULT 0,
  log_bytes    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_key, position, number),
  FOREIGN KEY (run_key, position) REFERENCES task_runs (run_key, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  namespace TEXT,
  pipeline  TEXT,
  run       INTEGER,
  run_key   INTEGER,
  task      TEXT,
  data      TEXT
) STRICT;

CREATE INDEX events_of_run ON events (run_key) WHERE run_key IS NOT NULL;
CREATE INDEX events_of_pipeline ON events (namespace, pipeline) WHERE pipeline IS NOT NULL AND kind NOT GLOB 'audit.*';
CREATE INDEX events_of_audit ON events (seq) WHERE kind GLOB 'audit.*';

-- What a write with an Idempotency-Key was answered, so that sending it again changes nothing.
CREATE TABLE idempotency (
  key         TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  status      INTEGER NOT NULL,
  body        BLOB NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Objects: their bytes are in the object store, named by their digest.
CREATE TABLE objects (
  key          INTEGER PRIMARY KEY,
  pipeline_key INTEGER NOT NULL REFERENCES pipelines (key) ON DELETE CASCADE,
  run_key      INTEGER REFERENCES runs (key) ON DELETE CASCADE,
  run          INTEGER,
  name         TEXT NOT NULL,
  digest       TEXT NOT NULL,
  size         INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  modified_at  INTEGER NOT NULL,
  created_by   TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX objects_of_pipeline ON objects (pipeline_key, name) WHERE run_key IS NULL;
CREATE INDEX objects_of_pipeline_by_age ON objects (pipeline_key, modified_at, key) WHERE run_key IS NULL;
CREATE UNIQUE INDEX objects_of_run ON objects (run_key, name) WHERE run_key IS NOT NULL;
CREATE INDEX objects_by_run ON objects (pipeline_key, run);
CREATE INDEX objects_by_digest ON objects (digest);

-- What the object store keeps, and how many objects have it. What none has any more is loose: it is deleted from the
-- store, then here. The triggers keep it in step.
CREATE TABLE contents (
  digest TEXT PRIMARY KEY,
  size   INTEGER NOT NULL,
  uses   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX contents_loose ON contents (digest) WHERE uses = 0;

CREATE TRIGGER objects_new AFTER INSERT ON objects BEGIN
  INSERT INTO contents (digest, size, uses) VALUES (new.digest, new.size, 1)
  ON CONFLICT (digest) DO UPDATE SET uses = uses + 1;
END;

CREATE TRIGGER objects_changed AFTER UPDATE OF digest ON objects WHEN old.digest <> new.digest BEGIN
  UPDATE contents SET uses = uses - 1 WHERE digest = old.digest;
  INSERT INTO contents (digest, size, uses) VALUES (new.digest, new.size, 1)
  ON CONFLICT (digest) DO UPDATE SET uses = uses + 1;
END;

CREATE TRIGGER objects_gone AFTER DELETE ON objects BEGIN
  UPDATE contents SET uses = uses - 1 WHERE digest = old.digest;
END;

-- One row: how many objects there are and how many bytes they have, and the same of the contents that any of them has.
CREATE TABLE object_totals (
  only          INTEGER PRIMARY KEY CHECK (only = 1),
  objects       INTEGER NOT NULL,
  bytes         INTEGER NOT NULL,
  contents      INTEGER NOT NULL,
  content_bytes INTEGER NOT NULL
) STRICT;

CREATE TRIGGER contents_new AFTER INSERT ON contents BEGIN
  UPDATE object_totals SET objects = objects + new.uses, bytes = bytes + new.uses * new.size,
    contents = contents + 1, content_bytes = content_bytes + new.size;
END;

CREATE TRIGGER contents_changed AFTER UPDATE OF uses ON contents BEGIN
  UPDATE object_totals SET objects = objects + new.uses - old.uses, bytes = bytes + (new.uses - old.uses) * new.size,
    contents = contents + (new.uses > 0) - (old.uses > 0),
    content_bytes = content_bytes + ((new.uses > 0) - (old.uses > 0)) * new.size;
END;

-- The tokens of runs that have not ended, as SHA-256 digests.
CREATE TABLE run_tokens (
  hash       BLOB PRIMARY KEY,
  run_key    INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  task       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX run_tokens_of_run ON run_tokens (run_key);

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

-- Triggers, as an administrator has installed them. `settings` is a JSON object in which references to secrets stand as
-- they were written; `options` is JSON too: what a container of it needs besides; `info` what it
-- has told of itself. `start_uid` names the start that is
-- under way (empty: none), and its secret is made of that. `events_seq`: Gofer's own events up to this one are told.
CREATE TABLE triggers (
  key         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  image       TEXT NOT NULL,
  settings    TEXT NOT NULL DEFAULT '{}',
  options     TEXT NOT NULL DEFAULT '{}',
  info        TEXT NOT NULL DEFAULT '{}',
  enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  start_uid   TEXT NOT NULL DEFAULT '',
  started_at  INTEGER,
  events_seq  INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL DEFAULT '',
  modified_at INTEGER NOT NULL
) STRICT;

-- A pipeline's uses of triggers. `settings` and `parameters` are JSON objects; `origin` says whether the live version's
-- manifest has it or somebody added it. `changed_at`: when its settings were last others. `last_event` is the newest
-- that the trigger has told of, by when it occurred.
CREATE TABLE subscriptions (
  key           INTEGER PRIMARY KEY AUTOINCREMENT,
  pipeline_key  INTEGER NOT NULL REFERENCES pipelines (key) ON DELETE CASCADE,
  label         TEXT NOT NULL,
  trigger_id    TEXT NOT NULL,
  settings      TEXT NOT NULL DEFAULT '{}',
  parameters    TEXT NOT NULL DEFAULT '{}',
  origin        TEXT NOT NULL CHECK (origin IN ('manifest', 'added')),
  created_at    INTEGER NOT NULL,
  changed_at    INTEGER NOT NULL,
  last_event    TEXT,
  last_event_at INTEGER,
  UNIQUE (pipeline_key, label)
) STRICT;

CREATE INDEX subscriptions_of_trigger ON subscriptions (trigger_id, key);

-- What triggers have told of, and what came of it. The same event of the same subscription is stored once, whatever is
-- told again. `subscription_key` 0: nobody's. `count`: so many that nobody can tell apart stand in this row.
CREATE TABLE trigger_events (
  key              INTEGER PRIMARY KEY AUTOINCREMENT,
  trigger_key      INTEGER NOT NULL REFERENCES triggers (key) ON DELETE CASCADE,
  event            TEXT NOT NULL,
  subscription_key INTEGER NOT NULL DEFAULT 0,
  namespace        TEXT NOT NULL DEFAULT '',
  pipeline         TEXT NOT NULL DEFAULT '',
  label            TEXT NOT NULL DEFAULT '',
  outcome          TEXT NOT NULL CHECK (outcome IN ('started', 'skipped', 'refused', 'error')),
  detail           TEXT NOT NULL DEFAULT '',
  run              INTEGER,
  count            INTEGER NOT NULL DEFAULT 1,
  occurred_at      INTEGER NOT NULL,
  received_at      INTEGER NOT NULL,
  UNIQUE (trigger_key, subscription_key, event)
) STRICT;

CREATE INDEX trigger_events_of_trigger ON trigger_events (trigger_key, key);
CREATE INDEX trigger_events_of_pipeline ON trigger_events (namespace, pipeline, key) WHERE pipeline <> '';
CREATE INDEX trigger_events_by_age ON trigger_events (received_at);
CREATE INDEX trigger_events_of_nobody ON trigger_events (trigger_key, received_at) WHERE subscription_key = 0;

-- Common tasks, as an administrator has installed them. `variables` is a JSON object in which references to global
-- secrets stand as they were written; `options` is JSON too: what a container of it needs besides. `namespaces` is a
-- JSON list of patterns: whose pipelines may use it.
CREATE TABLE common_tasks (
  key         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '',
  image       TEXT NOT NULL,
  variables   TEXT NOT NULL DEFAULT '{}',
  options     TEXT NOT NULL DEFAULT '{}',
  namespaces  TEXT NOT NULL DEFAULT '["*"]',
  enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL DEFAULT '',
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL DEFAULT ''
) STRICT;

-- Which global secrets a common task uses (`until` NULL), or has used until then: a container that was started before
-- an upgrade may still print one. A row stays when its common task is uninstalled.
CREATE TABLE common_task_secrets (
  common_task TEXT NOT NULL,
  secret      TEXT NOT NULL,
  until       INTEGER,
  PRIMARY KEY (common_task, secret)
) STRICT, WITHOUT ROWID;

-- What notifiers are to tell of runs that have ended, stored together with the end. `settings` is JSON, as the manifest
-- has it; `previous` is the status of the run before. `attempt` counts the tries; `started_at` is set while one is under
-- way. `output` is the end of what the last try has printed, with secrets hidden.
CREATE TABLE notifications (
  key         INTEGER PRIMARY KEY AUTOINCREMENT,
  run_key     INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  label       TEXT NOT NULL,
  common_task TEXT NOT NULL,
  settings    TEXT NOT NULL DEFAULT '{}',
  previous    TEXT NOT NULL DEFAULT '',
  status      TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed')),
  attempt     INTEGER NOT NULL DEFAULT 0,
  detail      TEXT NOT NULL DEFAULT '',
  output      TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  next_at     INTEGER NOT NULL,
  started_at  INTEGER,
  ended_at    INTEGER
) STRICT;

CREATE INDEX notifications_of_run ON notifications (run_key);
CREATE INDEX notifications_pending ON notifications (next_at) WHERE status = 'pending';
