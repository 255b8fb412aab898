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

-- What a trigger has given the run's containers, beside the parameters: a JSON object of texts.
ALTER TABLE runs ADD COLUMN variables TEXT NOT NULL DEFAULT '{}';

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
