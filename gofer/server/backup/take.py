"""Taking a backup while the server goes on."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gofer.engines.object_store.base import ObjectStore
from gofer.errors import Conflict, GoferError, Unavailable
from gofer.models.event import Kind
from gofer.server.backup.contents import Contents, Sources
from gofer.server.backup.copy import copy_database, make_folder, require_space, sweep
from gofer.server.backup.layout import DATABASE, SECRETS, Place
from gofer.server.backup.stored import Stored
from gofer.server.clock import Clock
from gofer.server.logs.thread import in_thread
from gofer.server.own_log import get_logger
from gofer.server.store.database import Database

_PIECE = 256 * 1024
_PATIENCE = 300.0


class ObjectSource(NamedTuple):
    """Where the contents of objects come from. While what `keep_all` returns is entered, none is deleted that any
    object had when it was entered, or later."""

    store: ObjectStore
    keep_all: Callable[[], AbstractContextManager[None]]


class Backups:
    """Takes one backup at a time. `patience`: seconds after which a reader that takes nothing is given up."""

    def __init__(
        self, place: Place, database: Database, clock: Clock, objects: ObjectSource, *, patience: float = _PATIENCE
    ) -> None:
        self._place = place
        self._database = database
        self._clock = clock
        self._objects = objects
        self._patience = patience
        self._taking: _Taking | None = None

    async def take(self, logs: bool = True, objects: bool = True) -> AsyncGenerator[bytes, None]:
        """The bytes of an archive: the database and the secrets as they are now, the logs of its attempts if `logs`,
        and the contents of its objects if `objects`.

        The copy of the database is made first: what the archive holds was on disk then, and a log goes at least as far
        as it went at that moment. Of the contents that the copy names, none is deleted before the archive is done.
        Raises before the first piece: Conflict while another backup is taken, or if a content is missing; StoreFull,
        Unavailable, OSError. The copies are removed whatever happens, by the next start if need be.
        """
        if self._taking is not None:
            raise Conflict("Another backup is being taken.", "Wait until it is done: `gofer event list` says when.")
        taking = self._taking = _Taking(self._place)
        size, at = 0, self._clock.now()
        try:
            taking.keep(self._objects.keep_all() if objects else nullcontext())
            await taking.copy()
            await taking.begin(Contents(self._sources(taking, logs, objects), at))
            while piece := await taking.next():
                size += len(piece)
                giving_up = asyncio.get_running_loop().call_later(self._patience, self._end, taking)
                try:
                    yield piece
                finally:
                    giving_up.cancel()
                if taking.ending is not None:
                    raise Unavailable("The backup was given up: nobody took it.", "Take another one.")
        except GoferError as error:
            get_logger("gofer.backup").warning("no backup was taken", error=str(error), hint=error.hint)
            raise
        finally:
            await _surely(self._end(taking))
        await self._record({"bytes": size, "logs": logs, "objects": objects})

    def _sources(self, taking: _Taking, logs: bool, objects: bool) -> Sources:
        stored = Stored(self._objects.store, asyncio.get_running_loop()) if objects else None
        return Sources(taking.file, taking.secrets, self._place.logs if logs else None, stored)

    def _end(self, taking: _Taking) -> asyncio.Task[None]:
        """Begin to remove everything, if that has not begun yet. A reader that takes nothing must not hold it up."""
        if taking.ending is None:
            taking.ending = asyncio.create_task(self._close(taking), name="end of a backup")
        return taking.ending

    async def _close(self, taking: _Taking) -> None:
        try:
            # A large file takes a while to remove, and a content that is being read is closed in the event loop.
            await in_thread(taking.close)
        finally:
            taking.keeping.close()
            if self._taking is taking:
                self._taking = None

    async def _record(self, data: dict[str, int]) -> None:
        log, at = get_logger("gofer.backup"), self._clock.now()
        try:
            await self._database.write(lambda tx: tx.emit(Kind.BACKUP_TAKEN, at, data=data))
        except Unavailable as error:
            # The reader has the whole archive: that its event cannot be stored must not cost it that.
            log.warning("a backup that was taken is not recorded", error=str(error))
        log.info("backup taken", **data)


class _Taking:
    """One backup: its passing files, what is held for it, and how far it is. `ending` once it is over."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._folder = place.taking / uuid.uuid4().hex
        self._slices: Iterator[bytes] = iter(())
        self.file = self._folder / DATABASE
        self.secrets: Path | None = None
        self.keeping = ExitStack()
        self.ending: asyncio.Task[None] | None = None

    def keep(self, holding: AbstractContextManager[None]) -> None:
        """Enter `holding` until the end."""
        self.keeping.enter_context(holding)

    async def copy(self) -> None:
        """Copy the databases. Cancelled, it leaves off soon."""
        stop = threading.Event()
        copying = asyncio.ensure_future(in_thread(partial(self._copy, stop)))
        try:
            await asyncio.shield(copying)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.gather(copying, return_exceptions=True)
            raise

    async def begin(self, contents: Contents) -> None:
        """Raises Conflict if something is missing."""
        await in_thread(contents.check)
        self._slices = _slices(contents.pieces())

    async def next(self) -> bytes:
        """The next piece of the archive, empty at its end."""
        return await in_thread(partial(next, self._slices, b""))

    def close(self) -> None:
        """Remove everything. Idempotent; not while one of the others is at work."""
        if hasattr(self._slices, "close"):
            self._slices.close()
        sweep(self._folder)
        with suppress(OSError):
            self._place.taking.rmdir()

    def _copy(self, stop: threading.Event) -> None:
        secrets = self._place.secrets_file
        there = [self._place.database, *([secrets] if secrets.exists() else [])]
        require_space(there, self._place.storage)
        make_folder(self._folder)
        copy_database(self._place.database, self.file, stop)
        # Whatever was acknowledged before the backup was asked for is in both.
        if secrets in there:
            self.secrets = self._folder / SECRETS
            copy_database(secrets, self.secrets, stop)


def _slices(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a change of threads."""
    held, size = [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


async def _surely(ending: asyncio.Task[None]) -> None:
    """Wait for it, also when cancelled."""
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await asyncio.wait([ending])
        raise
