"""What is put can be got, whole and in parts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer.engines.object_store.base import PIECE, Content, ObjectStore
from gofer.engines.registry import OBJECT_STORES
from gofer.errors import ConfigError, NotFound, Unavailable
from tests.conformance.object_store.conftest import Stores, digest, got, listed, put, some

BOUNDARY = 256 * 1024
SIZES = [0, 1, BOUNDARY - 1, BOUNDARY, BOUNDARY + 1, 2 * BOUNDARY, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [1000 * 1000, PIECE, BOUNDARY + 1, 77_777])
async def test_whole(store: ObjectStore, size: int, piece: int) -> None:
    data = some(size)
    name = await put(store, data, lambda: piece)
    pieces = [each async for each in store.get(name)]
    assert b"".join(pieces) == data
    assert all(0 < len(each) <= PIECE for each in pieces)
    assert await store.exists(name)
    assert await listed(store) == [Content(name, size)]


async def test_across_lives(stores: Stores) -> None:
    data = [some(size) for size in SIZES]
    async with stores.life() as store:
        names = [await put(store, each) for each in data]
    async with stores.life() as store:
        assert [await got(store, name) for name in names] == data


@pytest.mark.parametrize("size", [1, BOUNDARY, 2 * BOUNDARY + 5, PIECE + 1])
async def test_parts(store: ObjectStore, size: int) -> None:
    data = some(size)
    name = await put(store, data)
    edges = sorted({0, 1, BOUNDARY - 1, BOUNDARY, BOUNDARY + 1, 2 * BOUNDARY, size - 1, size, size + 1, size + PIECE})
    for start in edges:
        assert await got(store, name, start) == data[start:]
        for end in edges:
            assert await got(store, name, start, end) == data[start:end], (start, end)


async def test_what_is_not_there(store: ObjectStore) -> None:
    name = digest(b"never put")
    assert not await store.exists(name)
    await store.delete(name)
    for start, end in ((0, None), (5, 9), (0, 0)):
        with pytest.raises(NotFound, match=name):
            await anext(store.get(name, start, end))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65, "a" * 63 + "\n", "g" * 64])
async def test_no_digest(store: ObjectStore, name: str) -> None:
    upload = await store.upload()
    await upload.write(b"x")
    for work in (upload.commit(name), store.delete(name), store.exists(name), anext(store.get(name))):
        with pytest.raises(ValueError, match="64 lower-case hexadecimal digits"):
            await work
    await upload.abort()
    assert await listed(store) == []


async def test_list(store: ObjectStore) -> None:
    contents = sorted([Content(await put(store, b"%d" % number), len(str(number))) for number in range(520)])
    assert await listed(store) == contents
    for prefix in (
        "0",
        "f",
        "a7",
        "a7c",
        contents[5].digest[:5],
        contents[5].digest,
        "0" * 64,
        contents[5].digest + "0",
    ):
        assert await listed(store, prefix) == [each for each in contents if each.digest.startswith(prefix)], prefix


async def test_list_while_things_come_and_go(store: ObjectStore) -> None:
    names = [await put(store, b"%d" % number) for number in range(520)]
    kept = set(names[::2])
    seen = []
    async for content in store.list():
        seen.append(content.digest)
        if len(seen) <= 250 and names[2 * len(seen) - 1] not in kept:
            await store.delete(names[2 * len(seen) - 1])
    assert kept <= set(seen) <= set(names)
    assert seen == sorted(set(seen))


async def test_only_one_process(stores: Stores) -> None:
    async with stores.life() as store:
        other = stores.make()
        with pytest.raises(ConfigError, match="in use by another Gofer") as refused:
            await other.open()
        assert refused.value.hint
        await other.close()
        # The first one does not mind.
        assert await got(store, await put(store, b"x")) == b"x"
        with pytest.raises(ConfigError):
            await stores.make().open()


async def test_closed(stores: Stores) -> None:
    async with stores.life() as store:
        name = await put(store, b"x")
        late = await store.upload()
        await late.write(some(PIECE))
    for work in (store.check(), store.exists(name), store.delete(name), store.upload(), anext(store.get(name))):
        with pytest.raises(Unavailable):
            await work
    with pytest.raises(Unavailable):
        await late.commit(digest(some(PIECE)))
    await late.abort()
    await store.close()
    async with stores.life() as store:
        assert await listed(store) == [Content(name, 1)]


async def test_a_place_that_cannot_be_used(stores: Stores) -> None:
    stores.folder = stores.folder / "file" / "below"
    stores.folder.parent.write_text("no folder")
    with pytest.raises(ConfigError, match="cannot be opened") as refused:
        await stores.make().open()
    assert "object_store." in refused.value.hint


async def test_only_the_owner_may_look(stores: Stores) -> None:
    async with stores.life() as store:
        await put(store, some(3 * PIECE))
        for path in stores.folder.rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path
        await store.check()


@pytest.mark.parametrize("name", list(OBJECT_STORES))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_sizes_and_parts(name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    near = st.sampled_from([0, BOUNDARY, 2 * BOUNDARY, PIECE]).flatmap(
        lambda at: st.integers(max(0, at - 2), at + 2) | st.integers(0, PIECE + 9)
    )
    content = some(data.draw(near), data.draw(st.integers(0, 3)))
    cuts = data.draw(st.lists(st.integers(1, PIECE), min_size=1, max_size=5))
    parts = data.draw(st.lists(st.tuples(near, near), max_size=5))
    folder: Path = tmp_path_factory.mktemp("store")

    async def check() -> None:
        async with Stores(name, folder).life() as store:
            sizes = iter(cuts)
            digest = await put(store, content, lambda: next(sizes, PIECE))
            assert await got(store, digest) == content
            for start, end in parts:
                assert await got(store, digest, start, end) == content[start:end]

    asyncio.run(check())


async def test_it_belongs_to_the_server_that_has_claimed_it_first(stores: Stores) -> None:
    async with stores.life() as store:
        assert await store.claim("5e1f") == "5e1f"
        assert await store.claim("5e1f") == "5e1f"
        assert await store.claim("07e4") == "5e1f"
    async with stores.life() as store:
        assert await store.claim("07e4") == "5e1f"
