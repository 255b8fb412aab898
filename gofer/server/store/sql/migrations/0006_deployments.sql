-- Who has registered a version, and what they say of it.
ALTER TABLE versions ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN registered_by TEXT NOT NULL DEFAULT '';
-- Whoever registers or imports asks for each content whether it is there already.
CREATE INDEX versions_of_hash ON versions (pipeline_key, hash, number);

-- The highest number given so far. A pipeline whose `live_version` is 0 has had none deployed yet.
ALTER TABLE pipelines ADD COLUMN last_deployment INTEGER NOT NULL DEFAULT 0;

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

INSERT INTO deployments
  (pipeline_key, number, strategy, cause, from_version, to_version, status, started_at, ended_at)
SELECT key, 1, 'instant', 'registered', 0, live_version, 'completed', modified_at, modified_at FROM pipelines;
UPDATE pipelines SET last_deployment = 1;

-- The number of the deployment that has given the run its version, or whose smoke run it is.
ALTER TABLE runs ADD COLUMN deployment INTEGER;
CREATE INDEX runs_of_deployment ON runs (pipeline_key, deployment, version) WHERE deployment IS NOT NULL;
CREATE INDEX runs_of_version ON runs (pipeline_key, version, number);

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
