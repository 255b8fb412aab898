"""A connection to SQLite that lives in a thread of its own."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

T = TypeVar("T")

_JOBS_BEFORE_ONE_OF_ITS_OWN = 4


class _Job(NamedTuple):
    future: asyncio.Future[Any]
    work: Callable[[sqlite3.Connection], Any]
    always: bool


class ConnectionThread:
    """Runs what it is handed, in order, with the one connection that `connect` makes.

    `spare`: done when nothing else is to be done, and now and then under load. It returns after how many seconds it
    wants to be called again, None: when something else was done. It must not raise.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        spare: Callable[[sqlite3.Connection], float | None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._spare = spare
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # A process that dies by an exception must not wait for this thread for ever. SQLite survives the cut.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._connection: sqlite3.Connection | None = None

    @property
    def waiting(self) -> int:
        """How many jobs wait, about."""
        return self._jobs.qsize()

    async def open(self) -> None:
        """Connect. Raises what `connect` raises; the thread has ended then."""
        self._thread.start()
        try:
            await self.call(lambda _: None)
        except BaseException:
            await self.close()
            raise

    async def call(self, work: Callable[[sqlite3.Connection], T], *, always: bool = False) -> T:
        """Run `work` in the thread and return what it returns.

        Cancelled, it returns at once; what has begun then goes on to its end, and what has not begun is left out
        unless it is to be done `always`.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(future, work, always))
        return cast(T, await future)

    async def close(self) -> None:
        """Do what was handed over, then disconnect. Idempotent."""
        self._jobs.put(None)
        while self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        jobs, wait = 0, cast(float | None, None)
        while True:
            try:
                job = self._jobs.get(timeout=wait)
            except queue.Empty:
                jobs, wait = 0, self._spare(connection) if connection is not None else None
                continue
            if job is None:
                break
            try:
                connection = connection or self._connect()
            except BaseException as error:
                _settle(job.future, None, error)
                continue
            _do(connection, job)
            jobs, wait = jobs + 1, 0.0
            if jobs >= _JOBS_BEFORE_ONE_OF_ITS_OWN:
                jobs, wait = 0, self._spare(connection)
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _do(connection: sqlite3.Connection, job: _Job) -> None:
    if job.future.cancelled() and not job.always:
        return
    try:
        result = job.work(connection)
    except BaseException as error:
        _settle(job.future, None, error)
    else:
        _settle(job.future, result, None)


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    with suppress(RuntimeError):  # the loop has ended: nobody waits
        future.get_loop().call_soon_threadsafe(settle)
