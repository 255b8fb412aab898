"""How Gofer connects to its database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite

_CACHED_STATEMENTS = 512


class Connection(aiosqlite.Connection):
    """A connection with its thread. A function runs there in one hop: aiosqlite itself makes one for each statement."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], name: str) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.name = name
        # A process that dies by an exception must not wait for this thread for ever. SQLite survives the cut.
        self._thread.daemon = True

    async def open(self) -> None:
        """Connect. Raises what sqlite3 raises; the thread has ended then."""
        self._thread.start()
        try:
            self._connection = await self.call(self._connector)
        except BaseException:
            stopped = self.stop()
            if stopped is not None:
                await stopped
            raise

    @property
    def raw(self) -> sqlite3.Connection:
        """To be used in the connection's own thread only."""
        return self._conn

    def submit(self, future: asyncio.Future[Any], work: Callable[[], Any]) -> None:
        """Run `work` in the connection's thread, after what was submitted before; `future` gets its outcome."""
        self._tx.put_nowait((future, work))

    async def call(self, work: Callable[[], Any]) -> Any:
        """Run `work` in the connection's thread and return what it returns."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.submit(future, work)
        return await future


def connect_writer(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """The one connection that writes. Transactions are begun and ended by hand. `busy_timeout` in seconds."""
    connection = _connect(path, busy_timeout)
    connection.execute("PRAGMA cache_size = -16000")
    return connection


def connect_reader(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """A connection that cannot write. `busy_timeout` in seconds."""
    connection = _connect(path, busy_timeout)
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, cached_statements=_CACHED_STATEMENTS)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection
