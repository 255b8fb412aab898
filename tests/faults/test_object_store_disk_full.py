"""The disk under an object store is full: that is said, nothing is lost, and it goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gofer.engines.object_store.base import PIECE, Content, ObjectStore
from gofer.engines.registry import OBJECT_STORES
from gofer.errors import ConfigError, StoreFull
from tests.conformance.object_store.conftest import Stores, digest, got, listed, put, some


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """48 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


async def until_full(store: ObjectStore, data: bytes) -> None:
    """Try to put it, and give it up as one must."""
    upload = await store.upload()
    try:
        for at in range(0, len(data), PIECE):
            await upload.write(data[at : at + PIECE])
        await upload.commit(digest(data))
    finally:
        await upload.abort()


@pytest.mark.parametrize("name", list(OBJECT_STORES))
async def test_an_upload_that_has_no_room(name: str, disk: Path) -> None:
    stores = Stores(name, disk)
    async with stores.life() as store:
        kept = await put(store, some(5 * PIECE))
        for number in range(3):
            with pytest.raises(StoreFull) as full:
                await until_full(store, some(60 * PIECE, number))
            assert full.value.hint
            await stores.shrinks_to(11 * PIECE)
        assert await listed(store) == [Content(kept, 5 * PIECE)]
        assert await got(store, kept) == some(5 * PIECE)
        # There is room again, as what was staged has gone.
        other = await put(store, some(10 * PIECE, 9))
        assert await got(store, other) == some(10 * PIECE, 9)


@pytest.mark.parametrize("megabytes", [12, 24])
@pytest.mark.parametrize("name", list(OBJECT_STORES))
async def test_a_small_disk_that_was_filled_once(name: str, megabytes: int, disk: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(disk)], check=True)
    stores = Stores(name, disk)
    async with stores.life() as store:
        counts = []
        for turn in range(3):
            kept: list[str] = []
            with suppress(StoreFull):
                for number in range(1000):
                    data = some(200_000, turn * 1000 + number)
                    await until_full(store, data)
                    kept.append(digest(data))
            for one in kept:
                await store.delete(one)
            await stores.shrinks_to(6 * PIECE)
            counts.append(len(kept))
        assert min(counts) > 20
        assert max(counts) < 1000


@pytest.mark.parametrize("name", list(OBJECT_STORES))
async def test_others_have_filled_it(name: str, disk: Path) -> None:
    stores = Stores(name, disk / "data")
    async with stores.life() as store:
        kept = [await put(store, some(PIECE, number)) for number in range(3)]
        ballast = fill(disk)
        with pytest.raises(StoreFull):
            await until_full(store, some(30 * PIECE))
        assert await got(store, kept[0]) == some(PIECE)
        os.unlink(ballast)  # noqa: PTH108
        await store.delete(kept[0])
        name_of_it = await put(store, some(10 * PIECE))
        assert await got(store, name_of_it) == some(10 * PIECE)
        assert {content.digest for content in await listed(store)} == {*kept[1:], name_of_it}


@pytest.mark.parametrize("name", list(OBJECT_STORES))
async def test_it_opens_on_a_full_disk(name: str, disk: Path) -> None:
    stores = Stores(name, disk / "data")
    async with stores.life() as store:
        kept = await put(store, some(PIECE))
    ballast = fill(disk)
    ballast_size = ballast.stat().st_size
    with ballast.open("r+b") as file:
        # SQLite needs some pages for its log's index, in memory that files share.
        file.truncate(ballast_size - 64 * 1024)
    async with stores.life() as store:
        assert await got(store, kept) == some(PIECE)
        with pytest.raises(StoreFull):
            await until_full(store, some(PIECE, 1))
        assert await listed(store) == [Content(kept, PIECE)]


@pytest.mark.parametrize("name", list(OBJECT_STORES))
async def test_no_room_to_begin_with(name: str, disk: Path) -> None:
    stores = Stores(name, disk / "data")
    ballast = fill(disk)
    with pytest.raises(ConfigError, match="cannot be opened"):
        await stores.make().open()
    ballast.unlink()
    async with stores.life() as store:
        await put(store, b"x")
