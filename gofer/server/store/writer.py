"""The one writer: works that wait share a transaction, so that many of them cost one fsync."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from gofer.errors import GoferError
from gofer.models.event import Event
from gofer.server.store.checkpoint import Checkpointer
from gofer.server.store.connection import Connection
from gofer.server.store.transaction import Transaction
from gofer.sqlite.faults import fault

_MAX_BATCH = 500
# While the database is known to be locked a write waits no longer than this: callers get their error soon.
_WAIT_WHILE_LOCKED = 250

Work = Callable[[Transaction], Any]


class Pending:
    """A work, the future of who waits for it, and in the end its outcome."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell who waits, unless they have given up."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Outcome(NamedTuple):
    """Of one transaction. `fault`: nothing of it was stored, because the database is in trouble.

    `seconds`: how long a commit took, from its begin to its fsync.
    """

    batch: list[Pending]
    events: list[Event]
    committed: bool
    fault: GoferError | None = None
    seconds: float = 0.0


class Writer:
    """Takes everything that is queued whenever it becomes free, commits it, and reports the outcome to the loop.

    `add` and `report` run in the event loop; the rest runs in the connection's thread. The thread goes on by itself
    while there is work: the loop pays one future for each work and one callback for each transaction.
    """

    def __init__(
        self, path: Path, connection: Connection, busy_timeout: float, report: Callable[[Outcome], None]
    ) -> None:
        self._path = path
        self._connection = connection
        self._busy_timeout = busy_timeout
        self._report = report
        self._checkpointer = Checkpointer(path)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Pending] = deque()
        self._awake = False
        self._locked = False

    def add(self, work: Work) -> asyncio.Future[Any]:
        """Queue a work. The future gets its result only after the commit is on disk."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.append(Pending(work, future))
        if not self._awake:
            self._awake = True
            # At the end of this turn of the loop, so that everything queued in it shares one transaction.
            self._loop.call_soon(self._wake)
        return future

    async def finish(self) -> None:
        """Wait until everything that is queued has been worked off."""
        while self._queue or self._awake:
            await asyncio.sleep(0)
            await self._connection.call(lambda: None)

    def _wake(self) -> None:
        self._connection.submit(self._loop.create_future(), self._work_off)

    def _work_off(self) -> None:
        while True:
            batch = self._take()
            if batch:
                self._loop.call_soon_threadsafe(self._report, self._commit(batch))
                self._checkpointer.after_commit(self._connection.raw)
                continue
            # In this order no work is left behind: whoever adds one after the check finds `_awake` false.
            self._awake = False
            if not self._queue:
                return
            self._awake = True

    def _take(self) -> list[Pending]:
        batch: list[Pending] = []
        while self._queue and len(batch) < _MAX_BATCH:
            pending = self._queue.popleft()
            if not pending.future.cancelled():
                batch.append(pending)
        return batch

    def _commit(self, batch: list[Pending]) -> Outcome:
        connection = self._connection.raw
        transaction = Transaction(connection)
        started = perf_counter()
        try:
            _leave(connection)
            connection.execute("BEGIN IMMEDIATE")
            for pending in batch:
                _run(connection, transaction, pending, self._path)
            connection.execute("COMMIT")
        except BaseException as error:
            return self._give_up(batch, error)
        self._set_locked(False)
        return Outcome(batch, transaction.events, committed=True, seconds=perf_counter() - started)

    def _give_up(self, batch: list[Pending], error: BaseException) -> Outcome:
        with suppress(sqlite3.Error):
            _leave(self._connection.raw)
        trouble = fault(error, self._path)
        for pending in batch:
            pending.error = trouble or error
        self._set_locked(getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY)
        return Outcome(batch, [], committed=False, fault=trouble)

    def _set_locked(self, locked: bool) -> None:
        if locked != self._locked:
            self._locked = locked
            wait = _WAIT_WHILE_LOCKED if locked else round(self._busy_timeout * 1000)
            self._connection.raw.execute(f"PRAGMA busy_timeout = {min(wait, round(self._busy_timeout * 1000))}")


def _leave(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _run(connection: sqlite3.Connection, transaction: Transaction, pending: Pending, path: Path) -> None:
    """Run one work in a savepoint. Its own mistakes undo only itself; a fault of the database is raised."""
    mark = len(transaction.events)
    connection.execute("SAVEPOINT work")
    try:
        pending.result = pending.work(transaction)
    except BaseException as error:
        if fault(error, path) is not None:
            raise
        pending.error = error
        del transaction.events[mark:]
        connection.execute("ROLLBACK TO work")
    # Some faults end the whole transaction, also when the work swallows them.
    if not connection.in_transaction:
        raise sqlite3.OperationalError("the transaction was ended inside a work")
    connection.execute("RELEASE work")
