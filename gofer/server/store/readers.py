"""The readers: a few connections that never wait for the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gofer.server.store.connection import Connection


class Readers:
    """Hands each read to an idle connection; where there is none, reads wait in line. Used in the event loop only."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._idle = list(connections)
        self._waiting: deque[asyncio.Future[Connection]] = deque()

    async def read(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run `work` in a reader's thread, on one consistent state of the database."""
        connection = self._idle.pop() if self._idle else await self._turn()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.submit(future, partial(_read, connection.raw, work))
        try:
            return await future
        finally:
            # After a cancellation the thread may still be at it: the next read simply queues behind.
            self._free(connection)

    async def _turn(self) -> Connection:
        future: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._free(future.result())
            raise

    def _free(self, connection: Connection) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return
        self._idle.append(connection)


def _read(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> Any:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("ROLLBACK")
