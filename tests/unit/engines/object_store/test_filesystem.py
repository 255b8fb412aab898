from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.engines.object_store import filesystem_folder
from gofer.engines.object_store.base import Content, DamagedContent
from gofer.engines.object_store.filesystem import FilesystemObjectStore
from gofer.errors import ConfigError, Unavailable
from tests.conformance.object_store.conftest import digest, got, listed, put, some


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FilesystemObjectStore]:
    store = FilesystemObjectStore(tmp_path / "objects")
    await store.open()
    yield store
    await store.close()


async def test_where_it_is(store: FilesystemObjectStore, tmp_path: Path) -> None:
    name = await put(store, b"x")
    path = tmp_path / "objects" / name[:2] / name[2:4] / name
    assert path.read_bytes() == b"x"
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, path.parent.parent, tmp_path / "objects", tmp_path / "objects" / "staging"):
        assert folder.stat().st_mode & 0o777 == 0o700


async def test_what_is_not_ours_is_left_alone(store: FilesystemObjectStore, tmp_path: Path) -> None:
    name = await put(store, b"x")
    place = tmp_path / "objects" / name[:2] / name[2:4]
    for strange in ("notes.txt", "A" * 64, name[:63], digest(b"elsewhere")):
        (place / strange).write_text("mine")
    (tmp_path / "objects" / "zz").mkdir()
    (tmp_path / "objects" / "README").write_text("mine")
    assert await listed(store) == [Content(name, 1)]
    await store.delete(name)
    assert len(list(place.iterdir())) == 4


async def test_links_are_not_followed(store: FilesystemObjectStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"of another")
    name = digest(b"of another")
    place = tmp_path / "objects" / name[:2] / name[2:4]
    place.mkdir(parents=True)
    (place / name).symlink_to(secret)
    assert not await store.exists(name)
    assert await listed(store) == []
    with pytest.raises(DamagedContent):
        await got(store, name)
    await put(store, b"of another")
    assert not (place / name).is_symlink()
    assert await got(store, name) == b"of another"
    await store.delete(name)
    assert secret.read_bytes() == b"of another"


async def test_a_folder_where_a_content_should_be(store: FilesystemObjectStore, tmp_path: Path) -> None:
    name = digest(b"x")
    (tmp_path / "objects" / name[:2] / name[2:4] / name).mkdir(parents=True)
    assert not await store.exists(name)
    with pytest.raises(DamagedContent):
        await got(store, name)
    upload = await store.upload()
    await upload.write(b"x")
    with pytest.raises(Unavailable):
        await upload.commit(name)
    await upload.abort()
    assert list((tmp_path / "objects" / "staging").iterdir()) == []


async def test_cut_off(store: FilesystemObjectStore, tmp_path: Path) -> None:
    data = some(3_000_000)
    name = await put(store, data)
    path = tmp_path / "objects" / name[:2] / name[2:4] / name
    path.write_bytes(data[:-1])
    with pytest.raises(DamagedContent) as damaged:
        await got(store, name)
    assert damaged.value.hint


async def test_the_folder_went_away(store: FilesystemObjectStore, tmp_path: Path) -> None:
    (tmp_path / "objects").rename(tmp_path / "elsewhere")
    for work in (store.check(), store.upload()):
        with pytest.raises(Unavailable, match="No such file or directory") as away:
            await work
        assert away.value.hint
    (tmp_path / "elsewhere").rename(tmp_path / "objects")
    await store.check()
    assert await got(store, await put(store, b"x")) == b"x"


async def test_staging_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "staging").write_text("mine")
    with pytest.raises(ConfigError, match="cannot be opened"):
        await FilesystemObjectStore(tmp_path).open()


async def test_an_upload_that_is_cancelled_as_it_begins_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FilesystemObjectStore(tmp_path / "store")
    await store.open()
    began, go_on, make = threading.Event(), threading.Event(), filesystem_folder.make

    def slow(path: Path) -> int:
        began.set()
        go_on.wait()
        return make(path)

    monkeypatch.setattr(filesystem_folder, "make", slow)
    beginning = asyncio.create_task(store.upload())
    await asyncio.to_thread(began.wait)
    opened = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    beginning.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    assert list((tmp_path / "store/staging").iterdir()) == []
    assert set(os.listdir("/proc/self/fd")) <= opened  # noqa: PTH208
    await store.close()
