from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gofer.models.event import Event, Kind
from gofer.server.events.bus import Bus, Filter
from gofer.server.store.database import Database, Transaction
from gofer.server.store.events import delete_older

EVERYTHING = Filter()


async def write(database: Database, count: int, kind: Kind = Kind.RUN_QUEUED, pipeline: str = "p") -> None:
    """Emit `count` events in one transaction."""

    def work(tx: Transaction) -> None:
        for number in range(count):
            tx.emit(kind, 1, namespace="default", pipeline=pipeline, run=number)

    await database.write(work)


async def take(subscription: AsyncIterator[list[Event]], upto: int) -> list[int]:
    """The numbers of the events up to the number `upto`."""
    seen: list[int] = []
    async for events in subscription:
        assert events
        seen += [event.seq for event in events]
        if seen[-1] >= upto:
            break
    return seen


async def test_the_past_then_the_present_without_a_gap(bus: Bus, database: Database) -> None:
    await write(database, 50)
    subscription = bus.subscribe(EVERYTHING, 10)
    reading = asyncio.create_task(take(subscription, 350))
    for _ in range(300):
        await write(database, 1)
    assert await reading == list(range(11, 351))


async def test_only_what_is_new(bus: Bus, database: Database) -> None:
    await write(database, 5)
    subscription = bus.subscribe(EVERYTHING, None)
    await write(database, 3)
    assert await take(subscription, 8) == [6, 7, 8]


async def test_a_restarted_server_replays_from_the_store(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    await write(database, 5)
    await database.close()
    await database.open()
    bus = Bus(database)
    database.on_commit = bus.publish
    assert bus.last_seq == 5
    subscription = bus.subscribe(EVERYTHING, 2)
    await write(database, 2)
    assert await take(subscription, 7) == [3, 4, 5, 6, 7]
    await database.close()


async def test_a_burst_of_ten_thousand_reaches_the_slow_and_the_quick(bus: Bus, database: Database) -> None:
    slow, quick = bus.subscribe(EVERYTHING, None), bus.subscribe(EVERYTHING, None)
    reading = asyncio.create_task(take(quick, 20_000))
    await write(database, 1)
    first = await anext(slow)
    # From here on the slow one takes nothing until everything has been written, far more than is kept in memory.
    for _ in range(19):
        await write(database, 1000)
    await write(database, 999)
    assert await reading == list(range(1, 20_001))
    assert [event.seq for event in first] + await take(slow, 20_000) == list(range(1, 20_001))


async def test_many_writers_and_readers_at_once(bus: Bus, database: Database) -> None:
    readers = [asyncio.create_task(take(bus.subscribe(EVERYTHING, after), 500)) for after in (0, 0, 100, 400, 499)]
    await asyncio.gather(*(write(database, 5) for _ in range(100)))
    seen = await asyncio.gather(*readers)
    assert seen == [list(range(after + 1, 501)) for after in (0, 0, 100, 400, 499)]


async def test_a_filter_lets_through_what_matches(bus: Bus, database: Database) -> None:
    subscription = bus.subscribe(Filter(frozenset({"run.*"}), pipeline="q"), 0)
    await write(database, 3, pipeline="q")
    await write(database, 3, pipeline="p")
    await write(database, 3, Kind.TASKRUN_QUEUED, pipeline="q")
    await write(database, 1, Kind.RUN_ENDED, pipeline="q")
    assert await take(subscription, 10) == [1, 2, 3, 10]


async def test_a_subscriber_is_not_woken_by_what_it_does_not_want(bus: Bus, database: Database) -> None:
    subscription = bus.subscribe(Filter(pipeline="q"), None)
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)
    for _ in range(20):
        await write(database, 1000)
    assert not waiting.done()
    await write(database, 1, pipeline="q")
    assert [event.seq for event in await waiting] == [20_001]


async def test_a_number_that_does_not_exist_yet_is_waited_for(bus: Bus, database: Database) -> None:
    subscription = bus.subscribe(EVERYTHING, 5)
    reading = asyncio.create_task(take(subscription, 8))
    for _ in range(8):
        await write(database, 1)
    assert await reading == [6, 7, 8]


async def test_what_was_pruned_is_passed_over(bus: Bus, database: Database) -> None:
    await write(database, 9000)
    await database.write(lambda tx: delete_older(tx, 0, 3000, 2, 2))
    seen = await take(bus.subscribe(EVERYTHING, 10), 9000)
    assert seen == list(range(3001, 9001))


async def test_a_subscriber_that_leaves_is_forgotten_and_another_stays(bus: Bus, database: Database) -> None:
    leaving = asyncio.ensure_future(anext(bus.subscribe(EVERYTHING, None)))
    staying = asyncio.ensure_future(anext(bus.subscribe(EVERYTHING, None)))
    await asyncio.sleep(0)
    assert bus.waiting == 2
    leaving.cancel()
    await asyncio.wait([leaving])
    assert bus.waiting == 1
    await write(database, 1)
    assert [event.seq for event in await staying] == [1]
    assert bus.waiting == 0


async def test_a_subscriber_may_leave_in_the_moment_it_is_woken(bus: Bus, database: Database) -> None:
    leaving = asyncio.ensure_future(anext(bus.subscribe(EVERYTHING, None)))
    await asyncio.sleep(0)
    write_ = asyncio.ensure_future(write(database, 1))

    def publish_and_cancel(events: Sequence[Event]) -> None:
        bus.publish(events)
        leaving.cancel()

    database.on_commit = publish_and_cancel
    await write_
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    assert bus.waiting == 0


async def test_a_rolled_back_event_is_heard_by_nobody(bus: Bus, database: Database) -> None:
    def failing(tx: Transaction) -> None:
        tx.emit(Kind.RUN_QUEUED, 1)
        raise KeyError

    subscription = bus.subscribe(EVERYTHING, None)
    results = await asyncio.gather(
        write(database, 1), database.write(failing), write(database, 1), return_exceptions=True
    )
    assert isinstance(results[1], KeyError)
    assert await take(subscription, 2) == [1, 2]
