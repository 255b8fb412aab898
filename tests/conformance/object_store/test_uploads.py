"""Uploads: once, at the same time, given up, cancelled."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.object_store.base import PIECE, Content, ObjectStore
from tests.conformance.object_store.conftest import Stores, digest, got, listed, put, some

LARGE = 8 * PIECE
LITTLE = 2 * PIECE
ROOM_THAT_MAY_STAY = 5 * PIECE
"""Of an empty store: what an engine keeps for what comes next."""


@pytest.mark.parametrize("size", [0, 100, LARGE])
async def test_the_same_is_there_once(stores: Stores, size: int) -> None:
    data = some(size)
    async with stores.life() as store:
        names = {await put(store, data) for _ in range(4)}
        assert await listed(store) == [Content(names.pop(), size)]
    async with stores.life() as store:
        await stores.shrinks_to(size + size // 8 + ROOM_THAT_MAY_STAY)
        assert await got(store, digest(data)) == data
        await store.delete(digest(data))
        assert await listed(store) == []


async def test_nothing_is_there_before_the_commit(store: ObjectStore) -> None:
    data = some(LITTLE)
    upload = await store.upload()
    await upload.write(data[:PIECE])
    await upload.write(data[PIECE:])
    assert await listed(store) == []
    assert not await store.exists(digest(data))
    await upload.commit(digest(data))
    assert await got(store, digest(data)) == data
    # Nothing happens after the commit.
    await upload.abort()
    await upload.abort()
    assert await got(store, digest(data)) == data


@pytest.mark.parametrize("size", [0, 100, LARGE])
async def test_given_up(stores: Stores, size: int) -> None:
    data = some(size)
    async with stores.life() as store:
        before = stores.taken()
        upload = await store.upload()
        for at in range(0, size, PIECE):
            await upload.write(data[at : at + PIECE])
        await upload.abort()
        await upload.abort()
        assert await listed(store) == []
        await stores.shrinks_to(before + ROOM_THAT_MAY_STAY)


async def test_what_the_last_life_has_left_is_removed(stores: Stores) -> None:
    async with stores.life() as store:
        kept = await put(store, some(LITTLE))
        for number in range(3):
            upload = await store.upload()
            for at in range(0, LARGE, PIECE):
                await upload.write(some(PIECE, number * LARGE + at))
    assert stores.taken() > 3 * LARGE
    async with stores.life() as store:
        await stores.shrinks_to(LITTLE + ROOM_THAT_MAY_STAY)
        assert await listed(store) == [Content(kept, LITTLE)]
        assert await got(store, kept) == some(LITTLE)


async def test_many_at_once(store: ObjectStore) -> None:
    sizes = [0, 1, 1000, PIECE // 4, PIECE // 4 + 1, PIECE, LITTLE + 3]

    async def one(number: int) -> None:
        data = some(sizes[number % len(sizes)], number % 11)
        name = await put(store, data, lambda: PIECE // 3)
        assert await got(store, name) == data

    await asyncio.gather(*(one(number) for number in range(60)))
    wanted = {some(sizes[number % len(sizes)], number % 11) for number in range(60)}
    assert await listed(store) == sorted(Content(digest(data), len(data)) for data in wanted)


async def test_the_same_at_once(stores: Stores, store: ObjectStore) -> None:
    data = some(LITTLE)
    names = await asyncio.gather(*(put(store, data, lambda: PIECE // 3) for _ in range(8)))
    assert set(names) == {digest(data)}
    assert await got(store, digest(data)) == data
    assert await listed(store) == [Content(digest(data), LITTLE)]


@pytest.mark.parametrize("size", [100, LITTLE])
async def test_cancelled_at_any_moment(stores: Stores, size: int) -> None:
    """Whatever is cancelled when: afterwards the content is there whole or not at all, and the store works."""
    data = some(size)
    outcomes = set()
    async with stores.life() as store:
        for moment in range(60):
            upload = await store.upload()
            uploading = asyncio.create_task(_upload(upload, data))
            for _ in range(moment * 3):
                await asyncio.sleep(0)
            uploading.cancel()
            await asyncio.gather(uploading, return_exceptions=True)
            await upload.abort()
            there = await store.exists(digest(data))
            outcomes.add(there)
            if there:
                assert await got(store, digest(data)) == data
            else:
                assert uploading.cancelled()
            await store.delete(digest(data))
        # Cancelled just after it was handed to a thread.
        for give_way in (0, 1):
            upload = await store.upload()
            await upload.write(data[:PIECE])
            commit = asyncio.create_task(upload.commit(digest(data[:PIECE])))
            for _ in range(give_way):
                await asyncio.sleep(0)
            commit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await commit
            await upload.abort()
        await store.delete(digest(data[:PIECE]))
        assert await listed(store) == []
        assert await got(store, await put(store, data)) == data
        await store.delete(digest(data))
        await stores.shrinks_to(ROOM_THAT_MAY_STAY)
    assert False in outcomes


async def _upload(upload, data: bytes) -> None:  # type: ignore[no-untyped-def]
    for at in range(0, len(data), PIECE):
        await upload.write(data[at : at + PIECE])
    await upload.commit(digest(data))
