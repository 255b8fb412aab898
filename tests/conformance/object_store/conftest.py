"""The object stores there are: each is given to every test of this folder."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from gofer.config.settings import ObjectStoreSettings
from gofer.engines.object_store.base import PIECE, Content, ObjectStore
from gofer.engines.registry import OBJECT_STORES, object_store

PATIENCE = 60.0


class Stores:
    """Makes stores on one place, as a server does over its lives."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def make(self) -> ObjectStore:
        return object_store(self.name, ObjectStoreSettings(), self.folder)

    @asynccontextmanager
    async def life(self) -> AsyncIterator[ObjectStore]:
        store = self.make()
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    def taken(self) -> int:
        """Bytes of all files but SQLite's logs, which have a size of their own."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files if not path.name.endswith(("-wal", "-shm")))

    async def shrinks_to(self, size: int) -> None:
        """Wait until the files have no more bytes than this."""
        end = time.monotonic() + PATIENCE
        while self.taken() > size:
            assert time.monotonic() < end, f"{self.taken()} bytes are still taken"
            await asyncio.sleep(0.02)

    def damage(self, needle: bytes) -> None:
        """Change a bit of what is kept, where these bytes stand."""
        for path in self.folder.rglob("*"):
            if path.is_file() and (at := path.read_bytes().find(needle)) >= 0:
                with path.open("r+b") as file:
                    file.seek(at)
                    file.write(bytes([needle[0] ^ 1]))
                return
        raise AssertionError("these bytes are not there")


@pytest.fixture(params=list(OBJECT_STORES))
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    return Stores(request.param, tmp_path)


@pytest.fixture
async def store(stores: Stores) -> AsyncIterator[ObjectStore]:
    """An open, empty store."""
    async with stores.life() as store:
        yield store


def some(size: int, seed: int = 0) -> bytes:
    """Bytes that are like no others."""
    return random.Random(f"{size} {seed}").randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def put(store: ObjectStore, data: bytes, piece: Callable[[], int] = lambda: PIECE) -> str:
    """Put these bytes in pieces of as many bytes as `piece` says; their digest."""
    upload = await store.upload()
    at = 0
    while at < len(data):
        size = piece()
        await upload.write(data[at : at + size])
        at += size
    await upload.commit(digest(data))
    return digest(data)


async def got(store: ObjectStore, name: str, start: int = 0, end: int | None = None) -> bytes:
    async with aclosing(store.get(name, start, end)) as pieces:  # type: ignore[type-var]
        return b"".join([piece async for piece in pieces])


async def listed(store: ObjectStore, prefix: str = "") -> list[Content]:
    return [content async for content in store.list(prefix)]
