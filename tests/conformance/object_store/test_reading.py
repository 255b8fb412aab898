"""Reading while others put and delete, and what was damaged."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.object_store.base import PIECE, Content, DamagedContent, ObjectStore
from gofer.errors import NotFound
from tests.conformance.object_store.conftest import Stores, digest, got, listed, put, some

LARGE = 16 * PIECE
NEEDLE = slice(5000, 5032)
"""Of a piece: bytes that no engine cuts."""


async def test_deleted_while_it_is_read(stores: Stores, store: ObjectStore) -> None:
    data = some(LARGE)
    name = await put(store, data)
    reader = store.get(name)
    taken = await anext(reader)
    await store.delete(name)
    assert not await store.exists(name)
    assert await listed(store) == []
    # The next content must not be taken for it.
    other = await put(store, some(LARGE, 1))
    try:
        async for piece in reader:
            taken += piece
        assert taken == data
    except NotFound:
        assert data.startswith(taken)
    with pytest.raises(NotFound):
        await anext(store.get(name))
    assert await got(store, other) == some(LARGE, 1)


async def test_put_again_while_it_is_read(store: ObjectStore) -> None:
    data = some(LARGE)
    name = await put(store, data)
    readers = [store.get(name), store.get(name, 5, LARGE - 5)]
    first = [await anext(reader) for reader in readers]
    for _ in range(3):
        await put(store, data)
    rest = [b"".join([piece async for piece in reader]) for reader in readers]
    assert first[0] + rest[0] == data
    assert first[1] + rest[1] == data[5:-5]


async def test_deleted_and_put_again_while_it_is_read(store: ObjectStore) -> None:
    data = some(LARGE)
    name = await put(store, data)
    reader = store.get(name)
    first = await anext(reader)
    await store.delete(name)
    await put(store, data)
    assert first + b"".join([piece async for piece in reader]) == data


async def test_room_comes_back(stores: Stores) -> None:
    async with stores.life() as store:
        names = [await put(store, some(LARGE, number)) for number in range(4)]
        assert stores.taken() >= 4 * LARGE
        for name in names[:3]:
            await store.delete(name)
            await store.delete(name)
        await stores.shrinks_to(2 * LARGE + 5 * PIECE)
        assert await got(store, names[3]) == some(LARGE, 3)


async def test_a_slow_reader_holds_up_nobody(stores: Stores, store: ObjectStore) -> None:
    data = some(LARGE)
    readers = [store.get(await put(store, data)) for _ in range(20)]
    first = [await anext(reader) for reader in readers]
    # What is written meanwhile does not pile up beside the readers: it finds its place, and is removed again.
    for number in range(1, 9):
        await store.delete(await put(store, some(LARGE, number)))
    await stores.shrinks_to(3 * LARGE)
    for reader, begin in zip(readers, first, strict=True):
        assert begin + b"".join([piece async for piece in reader]) == data


async def test_readers_that_go_away(stores: Stores) -> None:
    async with stores.life() as store:
        name = await put(store, some(LARGE))
        for moment in range(40):
            reading = asyncio.create_task(got(store, name))
            for _ in range(moment):
                await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        reader = store.get(name)
        await anext(reader)
        await reader.aclose()  # type: ignore[attr-defined]
        assert await got(store, name) == some(LARGE)


@pytest.mark.parametrize("at", [0, LARGE // 2, LARGE - PIECE])
async def test_damaged(stores: Stores, at: int) -> None:
    data = some(LARGE)
    async with stores.life() as store:
        name, sound = await put(store, data), await put(store, some(PIECE, 1))
    stores.damage(data[at:][NEEDLE])
    async with stores.life() as store:
        with pytest.raises(DamagedContent) as damaged:
            await got(store, name)
        assert damaged.value.hint
        assert await got(store, sound) == some(PIECE, 1)
        # To put it again mends it.
        await put(store, data)
        assert await got(store, name) == data
        assert len(await listed(store)) == 2


async def test_nothing_that_is_damaged_is_given_whole(stores: Stores) -> None:
    data = some(100_000)
    async with stores.life() as store:
        name = await put(store, data)
    stores.damage(data[NEEDLE])
    async with stores.life() as store:
        taken: list[bytes] = []
        with pytest.raises(DamagedContent):
            await _read(store, name, taken)
        assert sum(map(len, taken)) < len(data)
        await put(store, data)
        assert await got(store, name) == data


async def test_another_content_than_its_digest_says(store: ObjectStore) -> None:
    """The caller was wrong, or somebody has exchanged the bytes with their checksums."""
    name = digest(b"something else")
    for data in (some(2 * PIECE), some(10), b""):
        upload = await store.upload()
        for at in range(0, len(data), PIECE):
            await upload.write(data[at : at + PIECE])
        await upload.commit(name)
        with pytest.raises(DamagedContent):
            await got(store, name)
        assert await listed(store) == [Content(name, len(data))]


async def _read(store: ObjectStore, name: str, pieces: list[bytes]) -> None:
    async for piece in store.get(name):
        pieces.append(piece)  # noqa: PERF401 - what came before an error counts
