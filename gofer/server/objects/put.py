"""Putting an object: its content into the store, then its row into the database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from gofer.config.live import Live
from gofer.config.settings import ObjectStoreSettings
from gofer.engines.object_store.base import Content, ObjectStore, Upload
from gofer.errors import Conflict, InvalidInput, TooLarge, Unavailable
from gofer.models.event import Kind
from gofer.models.ids import check_id, shown
from gofer.models.object import Object
from gofer.models.units import format_size
from gofer.server.clock import Clock
from gofer.server.objects.collect import Collector
from gofer.server.objects.digest_locks import DigestLocks
from gofer.server.objects.place import Place, model, resolve_for_new
from gofer.server.objects.receive import receive
from gofer.server.objects.tally import Tally
from gofer.server.store import objects as rows
from gofer.server.store.database import Database, Transaction
from gofer.server.store.objects import New, ObjectRow, Spot
from gofer.server.store.transaction import Readable

MAX_CONTENT_TYPE = 255

_CONTENT_TYPE = re.compile(r"[!-~][ -~]{0,254}\Z")
_EVICTED_AT_ONCE = 500


class Wanted(NamedTuple):
    """What is to be put, as far as it is known before the content has come. `digest` (SHA-256, hexadecimal) and `size`
    are what the content must have, where that is known; `by`: who puts it."""

    place: Place
    key: str
    content_type: str
    force: bool
    digest: str | None
    size: int | None
    by: str


class _Stored(NamedTuple):
    object: Object
    created: bool
    evicted: int


class Putter:
    """See `Objects.put`."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        clock: Clock,
        live: Live,
        locks: DigestLocks,
        collector: Collector,
        tally: Tally,
        reached: Callable[[str], None],
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._live = live
        self._locks = locks
        self._collector = collector
        self._tally = tally
        self._reached = reached
        self._keeping: set[asyncio.Task[_Stored]] = set()

    @property
    def _settings(self) -> ObjectStoreSettings:
        return self._live.settings.object_store

    async def put(self, wanted: Wanted, chunks: AsyncIterator[bytes]) -> tuple[Object, bool]:
        """The object, and whether it is new."""
        check_id(wanted.key, "object")
        _check_content_type(wanted.content_type)
        limit = self._settings.max_object_bytes
        if wanted.size is not None and wanted.size > limit:
            raise _too_large(limit)
        spot, there = await self._database.read(partial(self._look, wanted=wanted))
        rival = there if there is not None and not wanted.force else None
        if rival is not None and (wanted.size not in (None, rival.size) or wanted.digest not in (None, rival.digest)):
            raise _exists(wanted)

        def check(arrived: int) -> None:
            if arrived > limit:
                raise _too_large(limit)
            if rival is not None and arrived > rival.size:
                raise _exists(wanted)

        upload = await self._store.upload()
        try:
            content = await receive(chunks, upload, check)
            _check_arrived(content, wanted)
            if rival is not None and content.digest != rival.digest:
                raise _exists(wanted)
            self._reached("object_received")
        except BaseException:
            await upload.abort()
            raise
        stored = await self._keep_surely(upload, content, wanted, spot)
        self._tally.uploads += 1
        self._tally.uploaded_bytes += content.size
        return stored.object, stored.created

    async def close(self) -> None:
        """Wait for what is being stored just now."""
        while self._keeping:
            await asyncio.wait(self._keeping)

    def _look(self, connection: Readable, wanted: Wanted) -> tuple[Spot, ObjectRow | None]:
        spot = resolve_for_new(connection, wanted.place, self._settings.run_object_expiry)
        return spot, rows.get(connection, spot, wanted.key)

    async def _keep_surely(self, upload: Upload, content: Content, wanted: Wanted, spot: Spot) -> _Stored:
        """Not cut short if the caller is cancelled: the lock must be held until store and database are done."""
        keeping = asyncio.create_task(self._keep(upload, content, wanted, spot), name="end of an upload")
        self._keeping.add(keeping)
        keeping.add_done_callback(self._kept)
        return await asyncio.shield(keeping)

    def _kept(self, keeping: asyncio.Task[_Stored]) -> None:
        self._keeping.discard(keeping)
        if not keeping.cancelled():
            keeping.exception()  # who waited has been told, unless they have gone

    async def _keep(self, upload: Upload, content: Content, wanted: Wanted, spot: Spot) -> _Stored:
        async with self._locks.hold(content.digest):
            try:
                await upload.commit(content.digest)
                self._reached("object_committed")
                stored = await self._database.write(
                    partial(self._store_row, content=content, wanted=wanted, before=spot)
                )
            except BaseException:
                await upload.abort()
                self._collector.suspect(content.digest)
                raise
        self._reached("object_stored")
        self._collector.notice()
        self._tally.evicted += stored.evicted
        if stored.evicted == _EVICTED_AT_ONCE:
            await self._evict_more(wanted, spot)
        return stored

    def _store_row(self, tx: Transaction, content: Content, wanted: Wanted, before: Spot) -> _Stored:
        place, at = wanted.place, self._clock.now()
        spot, there = self._look(tx, wanted)
        if spot != before:
            raise Conflict(f"During the upload {place} was deleted and made anew", "Put the object again.")
        if there is not None and not wanted.force:
            if there.digest != content.digest:
                raise _exists(wanted)
            return _Stored(model(place, there), created=False, evicted=0)
        new = New(wanted.key, content.digest, content.size, wanted.content_type, wanted.by, at)
        row = rows.insert(tx, spot, new) if there is None else rows.replace(tx, there.key, new)
        data: dict[str, object] = {"key": row.name, "size": row.size, "sha256": row.digest}
        if there is not None:
            data["replaced"] = True
        if wanted.by:
            data["by"] = wanted.by
        tx.emit(Kind.OBJECT_PUT, at, **place._asdict(), run_key=spot.run_key, data=data)
        evicted = self._evict(tx, wanted, spot) if there is None and spot.run_key is None else 0
        return _Stored(model(place, row), there is None, evicted)

    def _evict(self, tx: Transaction, wanted: Wanted, spot: Spot) -> int:
        """Let the oldest objects of the pipeline go, as far as it has too many; how many went."""
        limit = self._settings.pipeline_object_limit
        if not limit:
            return 0
        evicted, at = rows.evict(tx, spot.pipeline_key, limit, wanted.key, _EVICTED_AT_ONCE), self._clock.now()
        for gone in evicted:
            data = {"key": gone.name, "size": gone.size, "limit": limit}
            tx.emit(Kind.OBJECT_EVICTED, at, **wanted.place._asdict(), data=data)
        return len(evicted)

    async def _evict_more(self, wanted: Wanted, spot: Spot) -> None:
        """After the limit was lowered by much: the rest, in steps that each are short."""
        evicted = _EVICTED_AT_ONCE
        with suppress(Unavailable):  # the next put goes on with it
            while evicted == _EVICTED_AT_ONCE:
                evicted = await self._database.write(partial(self._evict, wanted=wanted, spot=spot))
                self._tally.evicted += evicted
                self._collector.notice()


def _check_arrived(content: Content, wanted: Wanted) -> None:
    if wanted.size is not None and content.size != wanted.size:
        raise InvalidInput(f"{content.size} bytes have arrived, not {wanted.size}", "Send it again.")
    if wanted.digest is not None and content.digest != wanted.digest:
        raise InvalidInput(
            f"What has arrived has the SHA-256 digest {content.digest}, not {wanted.digest}",
            "It was changed on its way, or the digest is of something else: send it again.",
        )


def _check_content_type(content_type: str) -> None:
    if _CONTENT_TYPE.match(content_type) is None:
        raise InvalidInput(
            f"{shown(content_type)} cannot be a content type",
            f"Use printable ASCII characters, at most {MAX_CONTENT_TYPE}, such as: text/plain.",
        )


def _exists(wanted: Wanted) -> Conflict:
    return Conflict(
        f"There is an object {shown(wanted.key)} with another content at {wanted.place} already",
        "Overwrite it with --force (force=true), or choose another key.",
    )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The object is larger than {format_size(limit)}", "Have object_store.max_object_bytes raised, or put less."
    )
