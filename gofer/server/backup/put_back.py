"""Contents of an archive on their way into an object store."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from gofer.engines.object_store.base import ObjectStore, Upload
from gofer.errors import InvalidArchive
from gofer.server.store import backup as rows

T = TypeVar("T")

_AGAIN = "Nothing of it was used. Take an older backup."


class CheckedContents:
    """Checks each content by its digest, and keeps none of them."""

    def __init__(self) -> None:
        self._digest = ""
        self._sha = hashlib.sha256()
        self._seen: set[str] = set()

    def file(self, digest: str, size: int) -> Callable[[bytes], object]:
        """See `unpack.Objects`."""
        if digest in self._seen:
            raise InvalidArchive(f"The backup holds the content {digest} twice.", _AGAIN)
        self._digest, self._sha = digest, hashlib.sha256()
        return self._sha.update

    def finish(self) -> None:
        """See `unpack.Objects`."""
        digest, self._digest = self._digest, ""
        if not digest:
            return
        if self._sha.hexdigest() != digest:
            raise InvalidArchive(f"The backup holds another content under the name of {digest}.", _AGAIN)
        self._seen.add(digest)

    def check_all(self, database: Path) -> None:
        """Raises InvalidArchive unless every content that the database names has come."""
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            if not rows.has_objects(connection):
                return
            for digest, _ in rows.contents(connection):
                if digest not in self._seen:
                    of = rows.an_object_with(connection, digest)
                    raise InvalidArchive(f"The backup lacks the content of the object {of}.", _AGAIN)


class PutBack(CheckedContents):
    """Puts each content into a new object store, from a thread that is no event loop's. `make` makes the store.

    It is opened when the first content comes, and closed by `close`.
    """

    def __init__(self, make: Callable[[], ObjectStore]) -> None:
        super().__init__()
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._store: ObjectStore | None = None
        self._upload: Upload | None = None

    def file(self, digest: str, size: int) -> Callable[[bytes], object]:
        """See `unpack.Objects`. Raises ConfigError, Unavailable."""
        take = super().file(digest, size)
        upload = self._upload = self._run(self._opened().upload())

        def both(data: bytes) -> None:
            take(data)
            self._run(upload.write(data))

        return both

    def finish(self) -> None:
        """See `unpack.Objects`."""
        digest = self._digest
        super().finish()
        upload, self._upload = self._upload, None
        if upload is not None:
            self._run(upload.commit(digest))

    def close(self) -> None:
        """Idempotent."""
        store, self._store = self._store, None
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        try:
            if store is not None:
                self._run(store.close())
        finally:
            self._thread = self._loop = None
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _opened(self) -> ObjectStore:
        if self._store is None:
            store = self._make()
            self._run(store.open())
            self._store = store
        return self._store

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="gofer-restore-objects", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
