"""What may be done with objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from gofer.config.live import Live
from gofer.engines.object_store.base import DamagedContent, ObjectStore
from gofer.errors import GoferError, InvalidInput, NotFound, Replaced, Unavailable
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.models.object import Object
from gofer.models.page import Page
from gofer.server.clock import Clock
from gofer.server.objects.collect import Collector
from gofer.server.objects.place import Place, model, require_row, resolve
from gofer.server.objects.put import Putter, Wanted
from gofer.server.objects.tally import Tally
from gofer.server.store import objects as rows
from gofer.server.store.database import Database, Transaction
from gofer.server.store.transaction import Readable

MAX_TEXT = 64 * 1024
DEFAULT_CONTENT_TYPE = "application/octet-stream"


class Objects:
    """One method for each use case. Each change is one transaction with its events.

    A lock for each digest is held around (content into the store, row into the database) and around (no row has it? out
    of the store), so that no content is deleted under a new object. `reached` is told each point at which a crash is
    interesting; `on_trouble` is called when the store could not work.
    """

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        clock: Clock,
        live: Live,
        putter: Putter,
        collector: Collector,
        tally: Tally,
        reached: Callable[[str], None],
        on_trouble: Callable[[], None],
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._live = live
        self._putter = putter
        self._collector = collector
        self._reached = reached
        self._on_trouble = on_trouble
        self.tally = tally

    async def put(
        self,
        place: Place,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        force: bool = False,
        digest: str | None = None,
        size: int | None = None,
        by: str = "",
    ) -> tuple[Object, bool]:
        """The object as it is stored now, and whether it is new.

        An object that is there is replaced with `force` only; if it has the very content already, that is success and
        changes nothing. `digest` (SHA-256, hexadecimal) and `size`: what the content must have, where that is known.
        Nothing of `chunks` is read if it is clear before that this will be refused, and nothing stays of a content that
        was refused or broke off. Raises InvalidInput, NotFound, Conflict, TooLarge, Unavailable, and what `chunks`
        raises.
        """
        try:
            return await self._putter.put(Wanted(place, key, content_type, force, digest, size, by), chunks)
        except Unavailable:
            self._on_trouble()
            raise

    async def find(self, place: Place, key: str) -> Object:
        """Raises NotFound, for what of the place is not there too."""
        row = await self._database.read(partial(require_row, place=place, key=key, keep=self._keep))
        return model(place, row)

    @asynccontextmanager
    async def held(self, place: Place, key: str) -> AsyncIterator[Object]:
        """The object, whose content can be read while the body runs, even if it is overwritten or deleted then. Raises
        NotFound before."""
        found = await self.find(place, key)
        while True:
            with self._collector.keep(found.sha256):
                # Only what an object has now is kept: it may have been overwritten just before.
                now = await self.find(place, key)
                if now.sha256 == found.sha256:
                    yield now
                    return
            found = now

    async def read(self, found: Object, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end` (None: to the last), in pieces.

        Raises NotFound (Replaced, if it was overwritten), before the first piece too, if the object goes meanwhile;
        DamagedContent, at the latest instead of the last piece, if what the store kept is not what was put there.
        """
        self.tally.downloads += 1
        pieces = self._store.get(found.sha256, start, end)
        try:
            async for piece in pieces:
                self.tally.downloaded_bytes += len(piece)
                yield piece
        except Unavailable:
            self._on_trouble()
            raise
        except NotFound as error:
            raise await self._why_not_there(found) from error
        except DamagedContent as error:
            what = f"The object {shown(found.key)} at {Place(found.namespace, found.pipeline, found.run)} is damaged"
            raise DamagedContent(f"{what}: {error.message}", error.hint) from error
        finally:
            await _close(pieces)

    async def text(self, place: Place, key: str) -> str:
        """The content as text. Raises NotFound, and InvalidInput unless it is UTF-8, without NUL, of at most 64 KiB."""
        what = f"The object {shown(key)} at {place}"
        async with self.held(place, key) as found:
            if found.size > MAX_TEXT:
                raise InvalidInput(
                    f"{what} has {found.size} bytes; a value may have {MAX_TEXT}",
                    "Fetch a large object inside of the task, or declare it as an input.",
                )
            data = b"".join([piece async for piece in self.read(found)])
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            why = f"byte {error.start} is not UTF-8"
            raise InvalidInput(f"{what} is not text: {why}", "Put text in UTF-8 there, or use it as a file.") from None
        if "\0" in text:
            raise InvalidInput(f"{what} has a NUL character", "A variable cannot have one: use it as a file.")
        return text

    async def list(self, place: Place, after: str | None, limit: int) -> Page[Object]:
        """In the order of keys; the cursor is the last key of the page before. Raises NotFound for the place."""

        def work(connection: Readable) -> Page[Object]:
            found = rows.list_page(connection, resolve(connection, place), after or "", limit + 1)
            items = [model(place, row) for row in found[:limit]]
            return Page(items=items, next=items[-1].key if len(found) > limit else None)

        return await self._database.read(work)

    async def delete(self, place: Place, key: str) -> None:
        """Raises NotFound. The room of the content is given back soon after, unless another object has it."""
        at, keep = self._clock.now(), self._keep

        def work(tx: Transaction) -> None:
            row = require_row(tx, place, key, keep)
            rows.delete(tx, row.key)
            run_key = resolve(tx, place).run_key
            data = {"key": key, "size": row.size}
            tx.emit(Kind.OBJECT_DELETED, at, **place._asdict(), run_key=run_key, data=data)

        await self._database.write(work)
        self._reached("object_deleted")
        self._collector.notice()

    def pipeline_deleted(self) -> None:
        """A pipeline went, and its objects with it: their contents are removed soon."""
        self._collector.notice()

    async def close(self) -> None:
        """Wait for what is being stored just now."""
        await self._putter.close()

    @property
    def _keep(self) -> int:
        return self._live.settings.object_store.run_object_expiry

    async def _why_not_there(self, found: Object) -> GoferError:
        """The store has not got the content of an object that was there a moment ago."""
        now = await self.find(Place(found.namespace, found.pipeline, found.run), found.key)
        if now.sha256 != found.sha256:
            return Replaced(f"The object {shown(found.key)} has just got another content", "Read it again.")
        return DamagedContent(
            f"The content of the object {shown(found.key)} is missing from the object store",
            "Look at the store with: gofer service doctor. Put the object again with --force, or restore a backup.",
        )


async def _close(pieces: Any) -> None:
    """A generator that was not read to its end holds what it reads from."""
    if hasattr(pieces, "aclose"):
        await pieces.aclose()
