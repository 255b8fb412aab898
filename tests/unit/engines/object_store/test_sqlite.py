from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gofer.engines.object_store.base import PIECE, Content, DamagedContent
from gofer.engines.object_store.sqlite import SqliteObjectStore
from gofer.engines.object_store.sqlite_file import PIECE_BYTES
from gofer.errors import ConfigError, StoreBusy
from tests.conformance.object_store.conftest import got, listed, put, some


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "objects.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteObjectStore]:
    store = SqliteObjectStore(path, busy_timeout=0.05)
    await store.open()
    yield store
    await store.close()


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(sql)


async def refused(path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as error:
        await SqliteObjectStore(path).open()
    assert error.value.hint


async def test_a_file_that_is_another_programs(path: Path) -> None:
    change(path, "CREATE TABLE mine (x)")
    await refused(path, "no object store of Gofer's")
    path.write_bytes(some(100_000))
    await refused(path, "is damaged: file is not a database")
    assert path.read_bytes() == some(100_000)


async def test_a_file_of_a_newer_gofer(path: Path) -> None:
    store = SqliteObjectStore(path)
    await store.open()
    await store.close()
    change(path, "PRAGMA user_version = 2")
    await refused(path, "it has version 2, and this Gofer knows only up to 1")


async def test_locked_by_another_program(path: Path, store: SqliteObjectStore) -> None:
    name = await put(store, some(PIECE))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        upload = await store.upload()
        with pytest.raises(StoreBusy, match="locked by another program"):
            await upload.write(some(PIECE, 1))
        await upload.abort()
        for work in (store.delete(name), store.check(), put(store, b"x")):
            with pytest.raises(StoreBusy) as busy:
                await work
            assert busy.value.hint
        assert await got(store, name) == some(PIECE)
        other.execute("ROLLBACK")
    await store.check()
    await store.delete(name)
    assert await listed(store) == []


async def test_a_piece_is_missing_or_another(path: Path, store: SqliteObjectStore) -> None:
    """What SQLite itself finds sound: only the checksums and sizes of pieces tell."""
    size = 3 * PIECE_BYTES
    ways = [
        "DELETE FROM pieces WHERE place % 16 = 1",
        "UPDATE pieces SET data = zeroblob(262144) WHERE place % 16 = 2",
        "UPDATE pieces SET data = substr(data, 2) WHERE place % 16 = 2",
        "UPDATE pieces SET (checksum, data) = (SELECT checksum, data FROM pieces WHERE place % 16 = 0)"
        " WHERE place % 16 = 1",
        "UPDATE contents SET size = size + 1",
        "UPDATE contents SET size = size - 1",
    ]
    for way in ways:
        name = await put(store, some(size))
        change(path, way)
        with pytest.raises(DamagedContent, match="content"):
            await got(store, name)
        # In parts too, where it concerns them.
        with pytest.raises(DamagedContent):
            await got(store, name, PIECE_BYTES, size + 1)
        await put(store, some(size))
        assert await got(store, name) == some(size)
        assert await listed(store) == [Content(name, size)]
        await store.delete(name)
        await asyncio.gather(*(store.check() for _ in range(20)))


async def test_pages_that_are_damaged(path: Path) -> None:
    store = SqliteObjectStore(path)
    await store.open()
    names = [await put(store, some(PIECE, number)) for number in range(4)]
    await store.close()
    with path.open("r+b") as file:
        file.seek(16 * 1024 * 4)
        file.write(some(path.stat().st_size - 16 * 1024 * 4))
    await store_reads_nothing_wrong(path, names)


async def store_reads_nothing_wrong(path: Path, names: list[str]) -> None:
    store = SqliteObjectStore(path)
    await store.open()
    for number, name in enumerate(names):
        with pytest.raises(DamagedContent) as damaged:
            assert await got(store, name) != some(PIECE, number)
        assert damaged.value.hint
    await store.close()


async def test_the_log_does_not_grow_under_slow_readers(path: Path, store: SqliteObjectStore) -> None:
    name = await put(store, some(4 * PIECE))
    readers = [store.get(name) for _ in range(10)]
    for reader in readers:
        await anext(reader)
    largest = 0
    for number in range(8):
        await put(store, some(8 * PIECE, number))
        largest = max(largest, path.with_name("objects.db-wal").stat().st_size)
    assert largest < 20 * PIECE
    for reader in readers:
        assert sum([len(piece) async for piece in reader]) == 4 * PIECE - PIECE_BYTES
