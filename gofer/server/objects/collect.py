"""The collector: contents that no object has any more go from the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from gofer.engines.object_store.base import ObjectStore
from gofer.errors import GoferError, Unavailable
from gofer.server.objects.digest_locks import DigestLocks
from gofer.server.own_log import get_logger
from gofer.server.store import objects as rows
from gofer.server.store.database import Database

_BATCH = 500
_AT_ONCE = 16
_RETRY = 5.0


class Collector:
    """Deletes contents, each under its digest's lock, so that none goes that an object is about to have.

    The database tells which are loose; those of an upload that failed late are told by `suspect`. What a sudden end
    has left behind is found at the next start, by comparing the store's list with the rows. `retry`: seconds after
    which it tries again what the store or the database would not do.
    """

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        locks: DigestLocks,
        reached: Callable[[str], None],
        *,
        retry: float = _RETRY,
    ) -> None:
        self._database = database
        self._store = store
        self._locks = locks
        self._reached = reached
        self._retry = retry
        self._suspects: set[str] = set()
        self._wake = asyncio.Event()
        self._keepers = 0
        self._held: dict[str, int] = {}

    def notice(self) -> None:
        """An object has gone, or has another content now."""
        self._wake.set()

    def suspect(self, digest: str) -> None:
        """This content may be in the store without any row that tells of it."""
        self._suspects.add(digest)
        self._wake.set()

    @contextmanager
    def keep_all(self) -> Iterator[None]:
        """While this is entered no content is deleted that an object has now or later: a backup is being taken."""
        self._keepers += 1
        try:
            yield
        finally:
            self._keepers -= 1
            self._wake.set()

    @contextmanager
    def keep(self, digest: str) -> Iterator[None]:
        """While this is entered that content is not deleted, if an object has it now."""
        self._held[digest] = self._held.get(digest, 0) + 1
        try:
            yield
        finally:
            self._held[digest] -= 1
            if not self._held[digest]:
                del self._held[digest]
                if digest in self._suspects:
                    self._wake.set()

    async def run(self) -> None:
        """Remove what was left behind, then what becomes loose, until cancelled."""
        await self._patiently(self.remove_left_behind)
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._patiently(self.collect_once)

    async def collect_once(self) -> None:
        """Remove everything that is loose now. Raises what the store or the database raised, after trying them all."""
        failures: list[GoferError] = []
        suspects = list(self._suspects)
        failures += await self._drop_all(suspects)
        after = ""
        while found := await self._database.read(partial(rows.loose, after=after, limit=_BATCH)):
            after = found[-1]
            failures += await self._drop_all(found)
        if failures:
            raise failures[0]

    async def remove_left_behind(self) -> None:
        """Remove every content of which no row tells. Raises as `collect_once`."""
        failures: list[GoferError] = []
        some: list[str] = []
        async for content in self._store.list():
            some.append(content.digest)
            if len(some) == _BATCH:
                failures += await self._drop_unknown(some)
                some = []
        failures += await self._drop_unknown(some)
        if failures:
            raise failures[0]

    async def _drop_unknown(self, digests: Sequence[str]) -> list[GoferError]:
        return await self._drop_all(await self._database.read(partial(rows.unknown, digests=digests)))

    async def _drop_all(self, digests: Sequence[str]) -> list[GoferError]:
        """Some at a time, so that they share the database's transactions."""
        failures: list[GoferError] = []
        for begin in range(0, len(digests), _AT_ONCE):
            work = [self._drop(digest) for digest in digests[begin : begin + _AT_ONCE]]
            failures += [failure for failure in await asyncio.gather(*work) if failure is not None]
        return failures

    async def _drop(self, digest: str) -> GoferError | None:
        """Delete a content, unless an object has it."""
        try:
            async with self._locks.hold(digest):
                if not await self._database.read(partial(rows.in_use, digest=digest)):
                    # One that is being deleted when somebody begins to keep all has no object by then, nor gets one
                    # before this lock is free.
                    if self._keepers or digest in self._held:
                        self._suspects.add(digest)
                        return None
                    await self._store.delete(digest)
                    self._reached("object_dropped")
                    await self._database.write(partial(rows.forget, digest=digest))
                self._suspects.discard(digest)
        except GoferError as error:
            return error
        return None

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except Unavailable as error:
                get_logger("gofer.objects").warning("removal of contents waits", error=str(error))
            except GoferError as error:
                # It will not be otherwise by waiting: the next start tries again.
                get_logger("gofer.objects").error("contents stay", error=str(error))
                return None
            await asyncio.sleep(self._retry)
