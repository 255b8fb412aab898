"""Contents of the object store, for those who write an archive in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from gofer.engines.object_store.base import ObjectStore
from gofer.errors import Conflict
from gofer.server.backup.layout import content_name

_HINT = (
    "Put that object again or delete it, then take the backup again; or take one without objects (--no-objects). "
    "`gofer service doctor` looks at the whole store."
)


class Stored:
    """Reads contents through the event loop `loop`, from another thread."""

    def __init__(self, store: ObjectStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop

    def exists(self, digest: str) -> bool:
        """Whether the store has that content."""
        return self._run(self._store.exists(digest))

    def open(self, digest: str) -> StoredContent:
        """What reads it."""
        return StoredContent(self._store.get(digest), self._loop)

    def _run(self, work: Coroutine[Any, Any, bool]) -> bool:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class StoredContent:
    """The bytes of one content, as a file has them."""

    def __init__(self, pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = pieces
        self._loop = loop
        self._held = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end. Raises what `ObjectStore.get` raises."""
        if not self._held:
            self._held = memoryview(self._run(anext(self._pieces, b"")))
        given, self._held = self._held[:size], self._held[size:]
        return bytes(given)

    def close(self) -> None:
        """Read no more of it."""
        self._run(self._pieces.aclose())  # type: ignore[attr-defined]

    def _run(self, work: Any) -> Any:
        async def run() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


def missing(digest: str, of: str) -> Conflict:
    """The error for a content that the store has not got; `of`: the object, for people."""
    return Conflict(f"The content of the object {of} ({content_name(digest)}) is missing from the object store.", _HINT)


def broken(of: str, error: Exception) -> Conflict:
    """The error for one that cannot be read."""
    return Conflict(f"The content of the object {of} cannot be backed up: {error}", _HINT)
