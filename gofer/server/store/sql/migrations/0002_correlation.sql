-- What made a run: the id of the request (or, later, of the trigger's event) that started it.
ALTER TABLE runs ADD COLUMN correlation_id TEXT NOT NULL DEFAULT '';

CREATE INDEX runs_of_correlation ON runs (correlation_id, key) WHERE correlation_id <> '';

-- What a pipeline's limit is measured by: its own unfinished runs, not everybody's.
CREATE INDEX runs_unfinished_of_pipeline ON runs (pipeline_key, key) WHERE status IN ('queued', 'running');

-- How many runs there are of each status, kept in step by the triggers: nobody has to look at every run to know.
CREATE TABLE run_counts (
  status TEXT PRIMARY KEY,
  runs   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO run_counts (status, runs) SELECT status, COUNT(*) FROM runs GROUP BY status;

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
