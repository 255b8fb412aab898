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
