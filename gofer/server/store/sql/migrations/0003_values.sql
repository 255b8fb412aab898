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
CREATE INDEX objects_of_runs_by_age ON objects (pipeline_key, run) WHERE run_key IS NOT NULL;
CREATE INDEX objects_by_digest ON objects (digest);

-- Contents that an object has let go of: each is deleted from the object store once no other object has it.
CREATE TABLE loose_contents (
  digest TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER objects_gone AFTER DELETE ON objects BEGIN
  INSERT OR IGNORE INTO loose_contents (digest) VALUES (old.digest);
END;

CREATE TRIGGER objects_changed AFTER UPDATE OF digest ON objects WHEN old.digest <> new.digest BEGIN
  INSERT OR IGNORE INTO loose_contents (digest) VALUES (old.digest);
END;

-- The tokens of runs that have not ended, as SHA-256 digests.
CREATE TABLE run_tokens (
  hash       BLOB PRIMARY KEY,
  run_key    INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  task       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX run_tokens_of_run ON run_tokens (run_key);
