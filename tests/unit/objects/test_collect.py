"""The collector: what nobody has goes, what somebody has or is about to have stays, whatever happens at once."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest

from gofer.errors import Conflict, GoferError, NotFound, Unavailable
from tests.unit.objects.conftest import AT_PIPELINE, AT_RUN, World, pieces, settled, sha256

ROUNDS = 250


def keep(world: World, data: bytes) -> None:
    """A content that is in the store without any row, as a crash leaves it."""
    world.store.contents[hashlib.sha256(data).hexdigest()] = data


async def test_what_a_crash_has_left_goes_at_the_start_and_nothing_else(world: World) -> None:
    for number in range(1200):
        keep(world, b"orphan %d" % number)
    await world.put("a", b"mine")
    await world.parts.service.put(AT_PIPELINE, "b", pieces(b"loose"))
    await world.database.write(lambda tx: tx.execute("DELETE FROM objects WHERE name = 'b'"))
    running = asyncio.create_task(world.build().collector.run())
    await settled(lambda: list(world.store.contents.values()) == [b"mine"])
    running.cancel()
    await world.check()


async def test_an_orphan_that_an_object_is_about_to_have_stays(world: World) -> None:
    keep(world, b"mine")
    gate = world.store.hold["commit"] = asyncio.Event()
    putting = asyncio.create_task(world.put("a", b"mine"))
    await settled(lambda: world.parts.service._putter._keeping)
    removing = asyncio.create_task(world.parts.collector.remove_left_behind())
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not removing.done()
    gate.set()
    await putting
    await removing
    assert await world.get("a") == b"mine"
    await world.check()


async def test_who_puts_what_is_being_deleted_waits_for_it_and_has_it_whole(world: World) -> None:
    await world.put("a", b"same")
    await world.parts.service.delete(AT_PIPELINE, "a")
    gate = world.store.hold["delete"] = asyncio.Event()
    collecting = asyncio.create_task(world.parts.collector.collect_once())
    await settled(lambda: world.parts.collector._locks._locks)
    putting = asyncio.create_task(world.put("b", b"same"))
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not putting.done()
    gate.set()
    await asyncio.gather(collecting, putting)
    assert await world.get("b") == b"same"
    await world.check()


async def test_a_store_that_is_away_is_waited_for(world: World) -> None:
    await world.put("a", b"one")
    parts = world.build()
    parts.collector._retry = 0.001
    running = asyncio.create_task(parts.collector.run())
    world.store.fail["delete"] = Unavailable("away")
    await parts.service.delete(AT_PIPELINE, "a")
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert len(world.store.contents) == 1
    world.store.fail.clear()
    await settled(lambda: not world.store.contents)
    running.cancel()


async def test_one_that_cannot_be_deleted_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a", "b", "c"):
        await world.put(key, key.encode())
        await world.parts.service.delete(AT_PIPELINE, key)
    whole, stubborn = world.store.delete, sha256(b"b")

    async def refuse_one(digest: str) -> None:
        if digest == stubborn:
            raise GoferError("cannot")
        await whole(digest)

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "delete", refuse_one)
        with pytest.raises(GoferError, match="cannot"):
            await world.parts.collector.collect_once()
    assert list(world.store.contents.values()) == [b"b"]
    await world.check()


async def test_a_hammer(world: World) -> None:
    """Few contents under few keys, put, overwritten, deleted, evicted and expired by many at once, while the collector
    works: never a row without its content, nor a content without a row."""
    world.set(pipeline_object_limit=4, run_object_expiry=1)
    await world.runs("running")
    chance = random.Random(7)
    contents = [b"content %d" % number * 300 for number in range(4)]
    service = world.parts.service
    background = [asyncio.create_task(work) for _, work in world.parts.tasks()]

    async def one(number: int) -> None:
        dice = random.Random(number)
        for _ in range(ROUNDS):
            place = dice.choice([AT_PIPELINE, AT_PIPELINE, AT_RUN])
            key, data = f"k{dice.randrange(7)}", dice.choice(contents)
            try:
                if dice.random() < 0.6:
                    work = asyncio.create_task(world.put(key, data, place, force=dice.random() < 0.7))
                    if dice.random() < 0.1:
                        await asyncio.sleep(dice.random() / 500)
                        work.cancel()
                    await asyncio.wait([work])
                    if not work.cancelled():
                        work.result()
                elif dice.random() < 0.6:
                    await service.delete(place, key)
                else:
                    found = await service.find(place, key)
                    read = b"".join([piece async for piece in service.read(found)])
                    # A whole content of that object, or told that it has gone.
                    assert sha256(read) == found.sha256
            except (NotFound, Conflict):
                continue

    await asyncio.gather(*(one(chance.randrange(10**9)) for _ in range(12)))
    await service.close()
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await world.check()
    for key in await world.keys():
        assert await world.get(key) in contents
    assert len(world.told("object.evicted")) > 10
