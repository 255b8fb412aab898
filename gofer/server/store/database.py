"""The database: one writer, a few readers, and what becomes of a fault."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from gofer.errors import ConfigError, GoferError, Unavailable
from gofer.models.event import Event
from gofer.server.store import events, meta, namespaces
from gofer.server.store.beside import present
from gofer.server.store.connection import Connection, connect_reader, connect_writer
from gofer.server.store.migrate import migrate, migrations
from gofer.server.store.readers import Readers
from gofer.server.store.transaction import Readable as Readable
from gofer.server.store.transaction import Transaction as Transaction
from gofer.server.store.writer import Outcome, Writer
from gofer.sqlite.faults import damage, fault
from gofer.sqlite.lock import Lock

T = TypeVar("T")

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 2.0
_PROBE_INTERVAL = 1.0
_INTERRUPT_INTERVAL = 0.05


class Database:
    """Reads and writes for the whole server.

    A `work` is a plain function that runs in a thread of the database: it must only compute and use what it is
    handed. `on_commit` gets the events of each commit, in order, in the event loop, before any caller goes on;
    `on_fault` gets `fault` whenever that changes. `last_seq` is the number of the newest event that was committed.
    `commits`, `writes` and `commit_seconds`: how many transactions were committed since `open`, of how many works, and
    the time that took.
    """

    def __init__(self, path: Path, *, readers: int = 4, busy_timeout: float = 5.0) -> None:
        self._path = path
        self._reader_count = readers
        self._busy_timeout = busy_timeout
        self._lock = Lock(path.with_name(path.name + ".lock"))
        self._connections: list[Connection] = []
        self._writer: Writer | None = None
        self._readers: Readers | None = None
        self._probe: asyncio.Task[None] | None = None
        self.on_commit: Callable[[Sequence[Event]], None] | None = None
        self.on_fault: Callable[[str], None] | None = None
        self.fault = ""
        self.server_id = ""
        self.last_seq = 0
        self.commits = 0
        self.writes = 0
        self.commit_seconds = 0.0

    async def open(self) -> None:
        """Lock the folder, bring the schema up to date, and connect. Raises ConfigError with one clear line."""
        try:
            _prepare(self._path)
            self._lock.acquire()
        except OSError as error:
            raise _unusable(self._path, error) from error
        try:
            writer = await self._connect("gofer-store-writer", connect_writer)
            self.server_id, self.last_seq = await writer.call(partial(_set_up, writer, self._path))
            readers = [
                await self._connect(f"gofer-store-reader-{number}", connect_reader)
                for number in range(self._reader_count)
            ]
        except sqlite3.Error as error:
            await self.close()
            raise _unusable(self._path, error) from error
        except BaseException:
            await self.close()
            raise
        self._writer = Writer(self._path, writer, self._busy_timeout, self._report)
        self._readers = Readers(readers)

    async def close(self) -> None:
        """Finish what is to be written, then disconnect; who still reads is interrupted. Idempotent."""
        writer, self._writer, self._readers = self._writer, None, None
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        if writer is not None:
            await writer.finish()
        # The writer was opened first and is closed last: it then moves the whole log into the database.
        while len(self._connections) > 1:
            await _end_reader(self._connections.pop())
        while self._connections:
            await self._connections.pop().close()
        self._lock.release()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction; returns what it returns once that is on disk.

        Works that wait at the same time share one transaction, each in its savepoint: an exception of `work` undoes
        only `work` and is raised here. Raises StoreFull, StoreBusy or Unavailable when the database is in trouble;
        then nothing was changed.

        What the present request has to have stored beside (see `beside.py`) is part of the transaction, and of what an
        exception undoes.
        """
        beside = present()
        if beside is None:
            return cast(T, await self._open_writer().add(work))
        beside.stored = True
        try:
            return cast(T, await self._open_writer().add(beside.after(work)))
        except Exception:
            beside.stored = False
            raise

    async def write_patiently(self, work: Callable[[Transaction], T]) -> T:
        """As `write`, for what the server itself must record: a fault is waited out, and `work` is run again."""
        wait = _FIRST_WAIT
        while True:
            try:
                return cast(T, await self._open_writer().add(work))
            except Unavailable:
                if self._writer is None:
                    raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on one consistent state of the database. Raises as `write` when the database is in trouble."""
        if self._readers is None:
            raise Unavailable("The store is closed", "The server is stopping: try again when it runs.")
        try:
            return cast(T, await self._readers.read(work))
        except sqlite3.Error as error:
            trouble = fault(error, self._path)
            # A work that tries to write here is mistaken: the disk is not to blame.
            if trouble is None or error.sqlite_errorcode == sqlite3.SQLITE_READONLY:
                raise
            raise trouble from error

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise Unavailable("The store is closed", "The server is stopping: try again when it runs.")
        return self._writer

    async def _connect(self, name: str, connect: Callable[[Path, float], sqlite3.Connection]) -> Connection:
        connection = Connection(partial(connect, self._path, self._busy_timeout), name)
        await connection.open()
        self._connections.append(connection)
        return connection

    def _report(self, outcome: Outcome) -> None:
        if outcome.committed:
            self.commits += 1
            self.writes += len(outcome.batch)
            self.commit_seconds += outcome.seconds
        if outcome.events:
            self.last_seq = outcome.events[-1].seq
        for pending in outcome.batch:
            pending.settle()
        if outcome.events and self.on_commit is not None:
            self.on_commit(outcome.events)
        if outcome.committed or outcome.fault is not None:
            self._set_fault(outcome.fault.message if outcome.fault else "")

    def _set_fault(self, text: str) -> None:
        if text == self.fault:
            return
        self.fault = text
        if text and self._probe is None and self._writer is not None:
            self._probe = asyncio.get_running_loop().create_task(self._watch(), name="store-fault-watch")
        if self.on_fault is not None:
            self.on_fault(text)

    async def _watch(self) -> None:
        """Try a small write from time to time, so that the end of a fault is noticed when nobody else writes."""
        try:
            while self.fault:
                await asyncio.sleep(_PROBE_INTERVAL)
                with suppress(GoferError, sqlite3.Error):
                    await self.write(lambda transaction: meta.put(transaction, "probe", str(time.time_ns())))
        finally:
            self._probe = None


async def _end_reader(reader: Connection) -> None:
    """Close it soon: a look at the whole database may take hours."""
    closing = asyncio.create_task(reader.close(), name="store reader's end")
    while not closing.done():
        # Again and again, as SQLite forgets an interrupt that comes just before a statement begins.
        with suppress(sqlite3.ProgrammingError, ValueError):  # closed this very moment
            await reader.interrupt()
        await asyncio.wait([closing], timeout=_INTERRUPT_INTERVAL)
    await closing


def _prepare(path: Path) -> None:
    if not path.parent.is_dir():
        try:
            path.parent.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    # Made here, as SQLite would let others read it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _set_up(writer: Connection, path: Path) -> tuple[str, int]:
    """Schema, journal, and the rows that are always there. Returns the server's id and the newest event's number."""
    connection = writer.raw
    migrate(connection, path, migrations())
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    transaction = Transaction(connection)
    namespaces.ensure_default(transaction, time.time_ns() // 1_000_000)
    server_id = meta.server_id(transaction)
    connection.execute("COMMIT")
    return server_id, events.last_seq(connection)


def _unusable(path: Path, error: OSError | sqlite3.Error) -> ConfigError:
    if isinstance(error, sqlite3.Error) and (damaged := damage(error, path)) is not None:
        return ConfigError(damaged.message, damaged.hint)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigError(
        f"The database {path} cannot be opened: {reason}",
        "Check that server.storage_path is a folder that Gofer may write to, on a disk with free space.",
    )
