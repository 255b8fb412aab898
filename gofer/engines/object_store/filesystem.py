"""The object store in a folder: a file for each content, in folders of the first digits of its digest.

    staging/NAME        an upload
    ab/cd/abcd…         the content whose digest begins with abcd
    lock                held by the one process that uses the folder
    owner               the id of the one server whose database names the contents

An upload is written to `staging`, brought to the disk, and renamed to its place: a file has all of its bytes or is not
there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from gofer.engines.object_store import filesystem_folder as files
from gofer.engines.object_store.base import Content, check_digest, no_content
from gofer.errors import ConfigError, Unavailable
from gofer.sqlite.lock import Lock

T = TypeVar("T")

_PIECE = 512 * 1024


class FilesystemObjectStore:
    """See `base.ObjectStore`. Keeps everything below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock(folder / "lock", f"object store {folder}")
        self._is_open = False

    @property
    def name(self) -> str:
        return "filesystem"

    async def open(self) -> None:
        """See `base.ObjectStore.open`."""
        try:
            await _in_thread(partial(files.prepare, self._folder, self._lock))
        except OSError as error:
            self._lock.release()
            raise ConfigError(
                f"The object store {self._folder} cannot be opened: {error.strerror or error}",
                "Check that object_store.filesystem.path (default: objects in server.storage_path) is a folder that "
                "Gofer may write to, on a disk with free space.",
            ) from error
        self._is_open = True

    async def close(self) -> None:
        """See `base.ObjectStore.close`."""
        self._is_open = False
        self._lock.release()

    async def check(self) -> None:
        """See `base.ObjectStore.check`: a file can be made and removed."""
        await self.run(partial(files.touch, self._folder))

    async def claim(self, server_id: str) -> str:
        """See `base.ObjectStore.claim`."""
        return await self.run(partial(files.claim, self._folder, server_id))

    async def upload(self) -> FileUpload:
        """See `base.ObjectStore.upload`."""
        upload = FileUpload(self, files.staged(self._folder))
        try:
            await self.run(upload.begin)
        except BaseException:
            # Cancelled, nobody gets to know of the file that was made.
            await upload.abort()
            raise
        return upload

    async def get(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `base.ObjectStore.get`. What is read in parts is not checked: a file has no checksum but its digest."""
        file = files.Reading(self.path(digest))
        try:
            size = await self.run(file.open)
            if size is None:
                raise no_content(digest)
            end = size if end is None else min(end, size)
            sha = hashlib.sha256() if start == 0 and end == size else None
            at = start
            while at < end:
                data = await self.run(partial(file.read, at, min(_PIECE, end - at), sha))
                at += len(data)
                if not data or (at == end and sha is not None and sha.hexdigest() != digest):
                    raise files.damaged(self._folder, digest)
                yield data
            if size == 0 and digest != hashlib.sha256().hexdigest():
                raise files.damaged(self._folder, digest)
        finally:
            file.close()

    async def delete(self, digest: str) -> None:
        """See `base.ObjectStore.delete`."""
        await self.run(partial(files.remove, self.path(digest)))

    async def exists(self, digest: str) -> bool:
        """See `base.ObjectStore.exists`."""
        return await self.run(partial(files.size, self.path(digest))) is not None

    async def list(self, prefix: str = "") -> AsyncIterator[Content]:
        """See `base.ObjectStore.list`. Holds one of the 65,536 folders in memory at a time."""
        for first in await self.run(partial(files.pairs, self._folder, prefix[:2])):
            for second in await self.run(partial(files.pairs, self._folder / first, prefix[2:4])):
                for content in await self.run(partial(files.contents, self._folder / first / second, prefix)):
                    yield content

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread. For uploads, as `path`. Raises StoreFull, Unavailable."""
        if not self._is_open:
            raise Unavailable("The object store is closed", "The server is stopping: try again when it runs.")
        try:
            return await _in_thread(work)
        except OSError as error:
            raise files.fault(error, self._folder) from error

    def path(self, digest: str) -> Path:
        """Where a content is. Raises ValueError."""
        check_digest(digest)
        return self._folder / digest[:2] / digest[2:4] / digest


class FileUpload:
    """See `base.Upload`. `path`: the file that it is written to."""

    def __init__(self, store: FilesystemObjectStore, path: Path) -> None:
        self._store = store
        self._path = path
        self._descriptor: int | None = None

    def begin(self) -> None:
        """Make the file. In a thread; raises OSError."""
        self._descriptor = files.make(self._path)

    async def write(self, data: bytes) -> None:
        """See `base.Upload.write`."""
        await self._store.run(partial(files.write, self._open(), data, self._path.parent))

    async def commit(self, digest: str) -> None:
        """See `base.Upload.commit`."""
        await self._store.run(partial(files.keep, self._path, self._open(), self._store.path(digest)))
        self._close()

    async def abort(self) -> None:
        """See `base.Upload.abort`."""
        if self._descriptor is None:
            return
        self._close()
        try:
            # A commit that was cancelled may have taken the file away.
            await self._store.run(partial(self._path.unlink, missing_ok=True))
        except Unavailable:
            # The next `open` removes it.
            return

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError("this upload has ended")
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


async def _in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread. When cancelled, waits for its end all the same: what it uses may be closed then."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()
        raise
