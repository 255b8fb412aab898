"""The embedded object store: one SQLite file, in which each content is cut into pieces.

One thread writes; a few others read, one piece at a time, so that a slow reader holds no state of the file. What an
upload brings is staged in the file, and becomes a content in one transaction. See sqlite_file.py.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from gofer.engines.object_store import sqlite_file as file
from gofer.engines.object_store.base import Content, DamagedContent, check_digest, no_content
from gofer.engines.object_store.room import require_room
from gofer.engines.object_store.sqlite_thread import ConnectionThread
from gofer.errors import ConfigError, StoreFull, Unavailable
from gofer.sqlite.faults import damage, fault
from gofer.sqlite.lock import Lock

T = TypeVar("T")

_READERS = 2
_BUSY_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 2.0
_LISTED = 500


class SqliteObjectStore:
    """See `base.ObjectStore`. Keeps everything in the file `path`; `busy_timeout` in seconds."""

    def __init__(self, path: Path, *, busy_timeout: float = _BUSY_SECONDS) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._lock = Lock(path.with_name(path.name + ".lock"), f"object store {path}")
        self._threads: list[ConnectionThread] = []
        # Used by the writer's thread only: uploads that were given up.
        self._abandoned: list[int] = []

    @property
    def name(self) -> str:
        return "sqlite"

    async def open(self) -> None:
        """See `base.ObjectStore.open`."""
        try:
            _make(self._path)
            self._lock.acquire()
        except OSError as error:
            raise _unusable(self._path, error.strerror or str(error)) from error
        try:
            writer = partial(file.connect, self._path, self._busy_timeout, writes=True)
            await self._start(ConnectionThread("gofer-objects-writer", writer, self._spare))
            await self._threads[0].call(file.prepare)
            for number in range(_READERS):
                reader = partial(file.connect, self._path, self._busy_timeout, writes=False)
                await self._start(ConnectionThread(f"gofer-objects-reader-{number}", reader))
        except (sqlite3.Error, file.Strange) as error:
            await self.close()
            wrong = damage(error, self._path) if isinstance(error, sqlite3.Error) else None
            if wrong is not None:
                raise ConfigError(wrong.message, wrong.hint) from error
            raise _unusable(self._path, str(error)) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See `base.ObjectStore.close`. What was handed to a thread is done before."""
        # The writer was opened first and is closed last: it then moves the whole log into the file.
        while self._threads:
            await self._threads.pop().close()
        self._lock.release()

    async def check(self) -> None:
        """See `base.ObjectStore.check`: the file can be read, and nobody else keeps it locked."""
        await self.read(partial(file.listed, prefix="", after="", limit=1))
        await self.write(_lock_once)

    async def claim(self, server_id: str) -> str:
        """See `base.ObjectStore.claim`."""
        return await self.write(partial(file.claim, server_id=server_id))

    async def upload(self) -> SqliteUpload:
        """See `base.ObjectStore.upload`. Nothing is written before there is a whole piece."""
        self._writer()
        return SqliteUpload(self)

    async def get(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `base.ObjectStore.get`. Each piece is checked; the digest, when all of them are read."""
        content = await self._find(digest)
        end = content.size if end is None else min(end, content.size)
        sha = hashlib.sha256() if start == 0 and end == content.size else None
        if end == 0 and sha is not None:
            _check_all(sha.hexdigest(), digest)
        if start >= end:
            return
        last = (end - 1) // file.PIECE_BYTES
        for number in range(start // file.PIECE_BYTES, last + 1):
            while (data := await self.read(partial(_piece, content=content, number=number, sha=sha))) is None:
                # The same content was put again, and the one that was being read has gone.
                content = await self._find(digest)
            if number == last and sha is not None:
                _check_all(sha.hexdigest(), digest)
            first = number * file.PIECE_BYTES
            yield data[max(0, start - first) : end - first]

    async def delete(self, digest: str) -> None:
        """See `base.ObjectStore.delete`. The room is given back afterwards, in short steps."""
        await self.write(partial(file.let_go, digest=check_digest(digest)))

    async def exists(self, digest: str) -> bool:
        """See `base.ObjectStore.exists`."""
        return await self.read(partial(file.find, digest=check_digest(digest))) is not None

    async def list(self, prefix: str = "") -> AsyncIterator[Content]:
        """See `base.ObjectStore.list`."""
        after = ""
        while page := await self.read(partial(file.listed, prefix=prefix, after=after, limit=_LISTED)):
            for content in page:
                yield content
            after = page[-1].digest

    async def write(self, work: Callable[[sqlite3.Connection], T], *, always: bool = False) -> T:
        """Run `work` in the thread that writes. For uploads, as `read` and `abandon`."""
        with _explained(self._path):
            return await self._writer().call(work, always=always)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the thread that has least to do."""
        self._writer()
        # While it is closed, the readers go first.
        readers = self._threads[1:] or self._threads
        with _explained(self._path):
            return await min(readers, key=lambda thread: thread.waiting).call(work)

    def require_room(self, connection: sqlite3.Connection, size: int) -> None:
        """Raises StoreFull unless there is room for `size` more bytes. In the writer's thread only."""
        try:
            self._look_for_room(connection, size)
        except StoreFull:
            file.empty_log(connection)
            self._look_for_room(connection, size)

    def _look_for_room(self, connection: sqlite3.Connection, size: int) -> None:
        # They are written to the log now, and to the file when the log is moved into it; without room for that the
        # log could not begin anew, and not even a removal would find a place in it.
        require_room(self._path.parent, 2 * size + file.growth(connection, self._path))

    def abandon(self, key: int) -> None:
        """An upload is given up. In the writer's thread only."""
        self._abandoned.append(key)

    async def _start(self, thread: ConnectionThread) -> None:
        await thread.open()
        self._threads.append(thread)

    def _writer(self) -> ConnectionThread:
        if not self._threads:
            raise Unavailable("The object store is closed", "The server is stopping: try again when it runs.")
        return self._threads[0]

    async def _find(self, digest: str) -> file.Kept:
        content = await self.read(partial(file.find, digest=check_digest(digest)))
        if content is None:
            raise no_content(digest)
        return content

    def _spare(self, connection: sqlite3.Connection) -> float | None:
        """What the writer does beside its work: give back the room that nobody needs."""
        try:
            while self._abandoned:
                file.give_up(connection, self._abandoned[-1])
                self._abandoned.pop()
            return file.give_back(connection, self._path)
        except (sqlite3.Error, OSError):
            # The disk is full, or somebody has locked the file. Who puts or gets something is told so.
            return _TRY_AGAIN_SECONDS


class SqliteUpload:
    """See `base.Upload`."""

    def __init__(self, store: SqliteObjectStore) -> None:
        self._store = store
        self._held = bytearray()
        self._size = 0
        # The writer's thread sets these: a caller that is cancelled may not hear of what was done.
        self._key: int | None = None
        self._staged = 0
        self._ended = False

    async def write(self, data: bytes) -> None:
        """See `base.Upload.write`."""
        self._held += data
        self._size += len(data)
        whole = (len(self._held) - 1) // file.PIECE_BYTES * file.PIECE_BYTES
        if whole > 0:
            pieces = [bytes(self._held[at : at + file.PIECE_BYTES]) for at in range(0, whole, file.PIECE_BYTES)]
            del self._held[:whole]
            await self._store.write(partial(self._stage, pieces=pieces))

    async def commit(self, digest: str) -> None:
        """See `base.Upload.commit`."""
        await self._store.write(partial(self._keep, content=Content(check_digest(digest), self._size)))

    async def abort(self) -> None:
        """See `base.Upload.abort`."""
        try:
            await self._store.write(self._abandon, always=True)
        except Unavailable:
            # The store is closed: the next `open` finds what was staged.
            return

    def _stage(self, connection: sqlite3.Connection, pieces: list[bytes]) -> None:
        self._store.require_room(connection, len(pieces) * file.PIECE_BYTES)
        self._key = file.stage(connection, self._key, self._staged, pieces)
        self._staged += len(pieces)

    def _keep(self, connection: sqlite3.Connection, content: Content) -> None:
        self._store.require_room(connection, len(self._held))
        file.keep(connection, self._key, self._staged, bytes(self._held), content)
        self._ended = True

    def _abandon(self, _: sqlite3.Connection) -> None:
        if self._key is not None and not self._ended:
            self._store.abandon(self._key)
        self._ended = True


def _piece(connection: sqlite3.Connection, content: file.Kept, number: int, sha: hashlib._Hash | None) -> bytes | None:
    data = file.piece(connection, content, number)
    if data is not None and sha is not None:
        sha.update(data)
    return data


def _check_all(found: str, digest: str) -> None:
    if found != digest:
        raise DamagedContent(
            f"What the object store has as content {digest} is another one, {found}.",
            "Put the object again, or restore a backup: gofer service restore FILE --force.",
        )


def _lock_once(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        damaged = damage(error, path)
        if damaged is not None:
            raise DamagedContent(damaged.message, damaged.hint) from error
        raise fault(error, path) or error from error


def _make(path: Path) -> None:
    if not path.parent.is_dir():
        try:
            path.parent.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    # Made here, as SQLite would let others read it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"The object store {path} cannot be opened: {reason}",
        "Check that object_store.sqlite.path (default: objects.db in server.storage_path) is a file of Gofer's own, "
        "or none yet, in a folder that Gofer may write to, on a disk with free space.",
    )
