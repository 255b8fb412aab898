"""Keeps the write-ahead log small."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_COMMITS_BETWEEN_LOOKS = 64
_LIMIT = 64 * 1024 * 1024
_WAIT_FOR_READERS = 100
_PAUSE = 5.0


class Checkpointer:
    """SQLite moves the log's pages into the database by itself, but starts the log afresh only when no reader looks at
    it. Readers that follow each other without a gap would let it grow for ever: past `limit` bytes they are waited for.
    """

    def __init__(self, path: Path, *, limit: int = _LIMIT, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._limit = limit
        self._monotonic = monotonic
        self._commits = 0
        self._not_before = 0.0

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """To be called in the writer's thread, outside a transaction. Never raises: the log can wait."""
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_LOOKS or self._size() <= self._limit:
            return
        if self._monotonic() >= self._not_before and not self._truncate(connection):
            self._not_before = self._monotonic() + _PAUSE

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def _truncate(self, connection: sqlite3.Connection) -> bool:
        before: int = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_FOR_READERS}")
        try:
            with suppress(sqlite3.Error):
                busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                return not busy
        finally:
            connection.execute(f"PRAGMA busy_timeout = {before}")
        return False
