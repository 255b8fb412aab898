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

INSERT INTO object_totals (only, objects, bytes, contents, content_bytes) VALUES (1, 0, 0, 0, 0);

-- The tokens of runs that have not ended, as SHA-256 digests.
CREATE TABLE run_tokens (
  hash       BLOB PRIMARY KEY,
  run_key    INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  task       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX run_tokens_of_run ON run_tokens (run_key);
