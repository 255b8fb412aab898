"""An object store in memory, which does as it is told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from gofer.engines.object_store.base import Content
from gofer.errors import GoferError, NotFound


class MemoryStore:
    """`fail`: what the named calls raise (`upload`, `write`, `commit`, `get`, `delete`, `check`). `hold`: what a call
    waits for before it acts. `open_uploads`: begun, and neither committed nor aborted.
    """

    name = "memory"

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.fail: dict[str, GoferError] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.open_uploads = 0
        self.largest_write = 0

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def check(self) -> None:
        await self.reach("check")

    async def claim(self, server_id: str) -> str:
        return server_id

    async def upload(self) -> MemoryUpload:
        await self.reach("upload")
        self.open_uploads += 1
        return MemoryUpload(self)

    async def get(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        await self.reach("get")
        if digest not in self.contents:
            raise NotFound(f"there is no content {digest}")
        data = self.contents[digest][start:end]
        for begin in range(0, len(data), 1000):
            yield data[begin : begin + 1000]

    async def delete(self, digest: str) -> None:
        await self.reach("delete")
        self.contents.pop(digest, None)

    async def exists(self, digest: str) -> bool:
        return digest in self.contents

    async def list(self, prefix: str = "") -> AsyncIterator[Content]:
        for digest in sorted(self.contents):
            if digest.startswith(prefix):
                yield Content(digest, len(self.contents[digest]))

    async def reach(self, call: str) -> None:
        await asyncio.sleep(0)
        if call in self.hold:
            await self.hold[call].wait()
        if call in self.fail:
            raise self.fail[call]


class MemoryUpload:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._data = b""
        self._open = True

    async def write(self, data: bytes) -> None:
        await self._store.reach("write")
        self._store.largest_write = max(self._store.largest_write, len(data))
        self._data += data

    async def commit(self, digest: str) -> None:
        await self._store.reach("commit")
        assert self._open
        assert hashlib.sha256(self._data).hexdigest() == digest
        self._store.contents[digest] = self._data
        self._end()

    async def abort(self) -> None:
        self._end()

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._store.open_uploads -= 1
