from __future__ import annotations

import sqlite3
from pathlib import Path

from gofer.server.store.checkpoint import Checkpointer
from gofer.server.store.connection import connect_reader, connect_writer

LIMIT = 8 * 1024 * 1024


class Load:
    """A writer with its checkpointer, as the writer's thread has them, and a clock that is set by hand."""

    def __init__(self, path: Path) -> None:
        self.log = path.with_name(path.name + "-wal")
        self.seconds = 0.0
        self.connection = connect_writer(path, 5.0)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("CREATE TABLE t (x BLOB)")
        self.checkpointer = Checkpointer(path, limit=LIMIT, monotonic=lambda: self.seconds)

    def write(self, commits: int) -> None:
        for _ in range(commits):
            self.connection.execute("INSERT INTO t VALUES (zeroblob(65536))")
            self.checkpointer.after_commit(self.connection)

    @property
    def size(self) -> int:
        return self.log.stat().st_size


def look(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT COUNT(*) FROM t").fetchone()


def test_the_log_is_cut_as_soon_as_readers_allow_it(tmp_path: Path) -> None:
    load = Load(tmp_path / "x.db")
    reader = connect_reader(tmp_path / "x.db", 5.0)
    look(reader)
    load.write(256)
    assert load.size > LIMIT
    reader.execute("ROLLBACK")
    # Not at once: a reader was in the way a moment ago, and waiting for it again and again would stop the writer.
    load.write(64)
    assert load.size > LIMIT
    load.seconds = 60.0
    load.write(64)
    assert load.size == 0
    assert load.connection.execute("PRAGMA busy_timeout").fetchone()[0] == 5000
    assert load.connection.execute("SELECT COUNT(*) FROM t").fetchone()[0] == 384
    reader.close()
    load.connection.close()
