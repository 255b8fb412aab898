"""Objects: put, find, read, list, delete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gofer.engines.object_store.base import PIECE
from gofer.errors import Conflict, GoferError, InvalidInput, NotFound, Replaced, StoreFull, TooLarge, Unavailable
from gofer.server.objects.place import Place
from gofer.server.store import pipelines
from gofer.server.store.transaction import Transaction
from tests.unit.objects.conftest import AT_PIPELINE, AT_RUN, World, pieces, settled, sha256


@pytest.mark.parametrize("data", [b"", b"x", b"hello\n" * 10_000])
async def test_what_was_put_is_there(world: World, data: bytes) -> None:
    await world.runs("running")
    for place in (AT_PIPELINE, AT_RUN):
        stored, created = await world.put("key", data, place, content_type="text/plain", by="run 1, task a")
        assert created
        assert (stored.namespace, stored.pipeline, stored.run, stored.key) == (*place, "key")
        assert (stored.size, stored.sha256, stored.content_type) == (len(data), sha256(data), "text/plain")
        assert stored.created_by == "run 1, task a"
        assert await world.parts.service.find(place, "key") == stored
        assert await world.get("key", place) == data
    assert [(e.run, e.data["size"]) for e in world.told("object.put")] == [(None, len(data)), (1, len(data))]
    await world.check()


async def test_identical_content_is_stored_once(world: World) -> None:
    for key in ("a", "b", "c"):
        await world.put(key, b"same")
    assert list(world.store.contents.values()) == [b"same"]
    assert await world.totals() == (3, 12, 1, 4)
    for key in ("a", "b"):
        await world.parts.service.delete(AT_PIPELINE, key)
        await world.check()
        assert await world.get("c") == b"same"
    await world.parts.service.delete(AT_PIPELINE, "c")
    await world.check()
    assert world.store.contents == {}


async def test_a_repeated_put_is_safe_and_another_content_is_refused(world: World) -> None:
    first, _ = await world.put("key", b"one", content_type="text/plain")
    assert await world.put("key", b"one", content_type="text/html") == (first, False)
    with pytest.raises(Conflict, match="another content") as caught:
        await world.put("key", b"two")
    assert "--force" in caught.value.hint
    assert await world.get("key") == b"one"
    second, created = await world.put("key", b"two", force=True)
    assert (created, second.created_at, await world.get("key")) == (False, first.created_at, b"two")
    assert [e.data.get("replaced", False) for e in world.told("object.put")] == [False, True]
    await world.check()


async def test_what_is_clear_before_is_refused_before_anything_is_read(world: World) -> None:
    await world.put("key", b"one")
    world.set(max_object_bytes=10)

    async def unread() -> AsyncIterator[bytes]:
        yield pytest.fail("was read")

    service = world.parts.service
    for place, error in (
        (Place("nowhere", "one"), "no namespace"),
        (Place("default", "nothing"), "no pipeline"),
        (Place("default", "one", 7), "no run 7"),
    ):
        with pytest.raises(NotFound, match=error):
            await service.put(place, "key", unread())
    with pytest.raises(TooLarge):
        await service.put(AT_PIPELINE, "new", unread(), size=11)
    with pytest.raises(Conflict):
        await service.put(AT_PIPELINE, "key", unread(), size=4)
    with pytest.raises(Conflict):
        await service.put(AT_PIPELINE, "key", unread(), digest=sha256(b"two"))
    for bad in ("", "a b", "../a", "a" * 65):
        with pytest.raises(InvalidInput, match="object id"):
            await service.put(AT_PIPELINE, bad, unread())
    for bad in ("", " x", "text/\n", "tëxt", "x" * 256):
        with pytest.raises(InvalidInput, match="content type"):
            await service.put(AT_PIPELINE, "new", unread(), content_type=bad)
    await world.check()


async def test_too_large_on_the_way_leaves_nothing(world: World) -> None:
    world.set(max_object_bytes=3 * PIECE)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100_000)

    with pytest.raises(TooLarge, match="larger than"):
        await world.parts.service.put(AT_PIPELINE, "key", endless())
    assert world.store.contents == {}
    await world.check()


async def test_the_store_is_handed_pieces_of_a_bounded_size(world: World) -> None:
    data = bytes(range(256)) * 20_000
    for cut in (100, 65_536, len(data)):
        chunks = [data[begin : begin + cut] for begin in range(0, len(data), cut)]
        await world.parts.service.put(AT_PIPELINE, f"cut-{cut}", pieces(*chunks))
        assert await world.get(f"cut-{cut}") == data
    assert world.store.largest_write == PIECE


async def test_what_arrives_must_be_what_was_announced(world: World) -> None:
    with pytest.raises(InvalidInput, match="digest"):
        await world.put("key", b"one", digest=sha256(b"two"))
    with pytest.raises(InvalidInput, match="3 bytes have arrived, not 4"):
        await world.put("key", b"one", size=4)
    assert world.store.contents == {}
    await world.put("key", b"one", size=3, digest=sha256(b"one"))
    await world.check()


async def test_an_upload_that_breaks_off_leaves_nothing(world: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2 * PIECE)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await world.parts.service.put(AT_PIPELINE, "key", broken())
    assert await world.keys() == []
    assert world.store.contents == {}
    await world.check()


@pytest.mark.parametrize("call", ["upload", "write", "commit"])
async def test_a_store_that_is_full_says_so_and_nothing_is_left(world: World, call: str) -> None:
    world.store.fail[call] = StoreFull("The disk is full", "Free some.")
    with pytest.raises(StoreFull):
        await world.put("key", b"one")
    world.store.fail.clear()
    assert await world.keys() == []
    await world.check()
    await world.put("key", b"one")
    await world.check()


async def test_a_row_that_cannot_be_written_leaves_no_content(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(work: object) -> None:
        raise StoreFull("The disk that holds the database is full")

    with monkeypatch.context() as patch:
        patch.setattr(world.database, "write", full)
        with pytest.raises(StoreFull):
            await world.put("key", b"one")
    assert len(world.store.contents) == 1
    await world.parts.collector.collect_once()
    assert world.store.contents == {}
    await world.check()


async def test_who_gives_up_while_the_content_is_committed_leaves_a_whole_object(world: World) -> None:
    gate = world.store.hold["commit"] = asyncio.Event()
    putting = asyncio.create_task(world.put("key", b"one"))
    while not world.parts.service._putter._keeping:
        await asyncio.sleep(0)
    putting.cancel()
    await asyncio.wait([putting])
    gate.set()
    await world.parts.service.close()
    assert await world.get("key") == b"one"
    await world.check()


async def test_the_pipeline_is_deleted_and_made_anew_during_the_upload(world: World) -> None:
    async def meanwhile() -> AsyncIterator[bytes]:
        yield b"one"

        def again(tx: Transaction) -> None:
            tx.execute("DELETE FROM pipelines")
            pipelines.insert(tx, namespace="default", pipeline="one", name="", description="", at=1)

        await world.database.write(again)

    with pytest.raises(Conflict, match="made anew"):
        await world.parts.service.put(AT_PIPELINE, "key", meanwhile())
    await world.check()


async def test_reading_a_range(world: World) -> None:
    stored, _ = await world.put("key", b"0123456789")
    for start, end, wanted in ((0, None, b"0123456789"), (3, None, b"3456789"), (2, 5, b"234"), (10, None, b"")):
        assert b"".join([p async for p in world.parts.service.read(stored, start, end)]) == wanted


async def test_reading_what_has_just_gone(world: World) -> None:
    stored, _ = await world.put("key", b"one")
    await world.parts.service.delete(AT_PIPELINE, "key")
    await world.parts.collector.collect_once()
    with pytest.raises(NotFound, match="no object"):
        await anext(world.parts.service.read(stored))


async def test_a_content_that_the_store_has_lost_is_no_404(world: World) -> None:
    stored, _ = await world.put("key", b"one")
    world.store.contents.clear()
    with pytest.raises(GoferError, match="missing from the object store") as caught:
        await anext(world.parts.service.read(stored))
    assert caught.value.status == 500
    # Put again, it is there again.
    await world.put("key", b"one")
    assert await world.get("key") == b"one"


async def test_text(world: World) -> None:
    await world.put("key", "grüße\n".encode())
    assert await world.parts.service.text(AT_PIPELINE, "key") == "grüße\n"
    for data, why in ((b"\xff", "not UTF-8"), (b"a\0b", "NUL"), (bytes(65537), "a value may have")):
        await world.put("key", data, force=True)
        with pytest.raises(InvalidInput, match=why):
            await world.parts.service.text(AT_PIPELINE, "key")
    with pytest.raises(NotFound):
        await world.parts.service.text(AT_PIPELINE, "other")


async def test_listing(world: World) -> None:
    await world.runs("running")
    for key in ("b", "a", "c"):
        await world.put(key, key.encode())
        await world.put(f"{key}-run", b"x", AT_RUN)
    service = world.parts.service
    first = await service.list(AT_PIPELINE, None, 2)
    assert [item.key for item in first.items] == ["a", "b"]
    second = await service.list(AT_PIPELINE, first.next, 2)
    assert ([item.key for item in second.items], second.next) == (["c"], None)
    assert await world.keys(AT_RUN) == ["a-run", "b-run", "c-run"]
    with pytest.raises(NotFound, match="no run 2"):
        await service.list(Place("default", "one", 2), None, 2)


async def test_deleting(world: World) -> None:
    await world.runs("running")
    await world.put("key", b"one", AT_RUN)
    with pytest.raises(NotFound, match="no object"):
        await world.parts.service.delete(AT_PIPELINE, "key")
    await world.parts.service.delete(AT_RUN, "key")
    with pytest.raises(NotFound, match="no object"):
        await world.parts.service.find(AT_RUN, "key")
    (event,) = world.told("object.deleted")
    assert (event.run, event.data) == (1, {"key": "key", "size": 3})
    await world.check()


async def test_the_oldest_goes_when_there_are_too_many(world: World) -> None:
    world.set(pipeline_object_limit=3)
    for key in "abc":
        await world.put(key, key.encode())
        await asyncio.sleep(0.002)  # so that they have different times
    await world.put("a", b"newer", force=True)
    await asyncio.sleep(0.002)
    await world.put("d", b"d")
    assert await world.keys() == ["a", "c", "d"]
    (event,) = world.told("object.evicted")
    assert event.data == {"key": "b", "size": 1, "limit": 3}
    await world.runs("running")
    for key in "abcdef":
        await world.put(key, key.encode(), AT_RUN)
    assert len(await world.keys(AT_RUN)) == 6
    await world.check()


async def test_a_limit_that_was_lowered_by_much_holds_with_the_next_put(world: World) -> None:
    world.set(pipeline_object_limit=0)
    for number in range(1203):
        await world.put(f"o{number}", b"%d" % (number % 7))
    world.set(pipeline_object_limit=2)
    await world.put("last", b"x")
    assert await world.keys() == ["last", "o1202"]
    assert world.parts.service.tally.evicted == 1202
    await world.check()


async def test_trouble_of_the_store_is_told_and_its_end_too(world: World) -> None:
    watching = asyncio.create_task(world.parts.watch.run())
    world.parts.watch._interval = 0.001
    world.store.fail = {"upload": Unavailable("away"), "check": Unavailable("away")}
    with pytest.raises(Unavailable):
        await world.put("key", b"one")
    async with asyncio.timeout(20):
        while not world.faults:
            await asyncio.sleep(0.001)
        world.store.fail.clear()
        while len(world.faults) < 2:
            await asyncio.sleep(0.001)
    assert world.faults == ["away", ""]
    watching.cancel()


async def test_text_of_an_object_that_is_overwritten_just_then(world: World) -> None:
    await world.put("key", b"one")
    gate = world.store.hold["get"] = asyncio.Event()
    reading = asyncio.create_task(world.parts.service.text(AT_PIPELINE, "key"))
    await settled(lambda: world.parts.service.tally.downloads)
    await world.put("key", b"two", force=True)
    await world.parts.collector.collect_once()
    gate.set()
    assert await reading in ("one", "two")
    await world.check()


async def test_what_is_held_stays_until_nobody_holds_it(world: World) -> None:
    first, _ = await world.put("key", b"one")
    service, collector = world.parts.service, world.parts.collector
    async with service.held(AT_PIPELINE, "key") as found, service.held(AT_PIPELINE, "key"):
        assert found == first
        await service.delete(AT_PIPELINE, "key")
        await collector.collect_once()
        assert b"".join([piece async for piece in service.read(found)]) == b"one"
    assert list(world.store.contents.values()) == [b"one"]
    collecting = asyncio.create_task(collector.run())
    await settled(lambda: not world.store.contents)
    collecting.cancel()
    with pytest.raises(NotFound):
        async with service.held(AT_PIPELINE, "key"):
            pass
    await world.check()


async def test_what_was_replaced_says_so(world: World) -> None:
    found, _ = await world.put("key", b"one")
    await world.put("key", b"two", force=True)
    await world.parts.collector.collect_once()
    with pytest.raises(Replaced, match="another content"):
        await anext(world.parts.service.read(found))
