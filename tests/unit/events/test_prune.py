from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gofer.models.event import Event, Kind
from gofer.server.events.prune import Pruner
from gofer.server.store import idempotency
from gofer.server.store.database import Database, Transaction
from tests.unit.events.conftest import SetClock

DAY = 86_400_000


async def stored(database: Database) -> list[tuple[int, int]]:
    """Number and time of each event."""
    return await database.read(lambda reader: [(*row,) for row in reader.execute("SELECT seq, at FROM events")])


async def test_exactly_what_is_too_old_goes(database: Database, clock: SetClock) -> None:
    def fill(tx: Transaction) -> None:
        for at in (*range(2500), clock.time - DAY, clock.time - DAY + 1, clock.time):
            tx.emit(Kind.RUN_QUEUED, at)

    await database.write(fill)
    published: list[Event] = []
    database.on_commit = published.extend
    assert await Pruner(database, clock, DAY, 1).prune() == 2500
    assert [at for _, at in await stored(database)] == [clock.time - DAY, clock.time - DAY + 1, clock.time, clock.time]
    assert [(event.kind, event.at, event.data) for event in published] == [
        ("events.pruned", clock.time, {"count": 2500, "before": clock.time - DAY})
    ]


async def test_nothing_to_do_is_nothing_said(database: Database, clock: SetClock) -> None:
    pruner = Pruner(database, clock, DAY, 1)
    assert await pruner.prune() == 0
    await database.write(lambda tx: tx.emit(Kind.RUN_QUEUED, clock.time))
    assert await pruner.prune() == 0
    assert len(await stored(database)) == 1


async def test_events_of_a_clock_that_was_wrong_hold_nothing_up(database: Database, clock: SetClock) -> None:
    def fill(tx: Transaction) -> None:
        for _ in range(3000):
            tx.emit(Kind.RUN_QUEUED, clock.time + 10 * DAY)
        for at in range(1500):
            tx.emit(Kind.RUN_QUEUED, at)
        tx.emit(Kind.RUN_QUEUED, clock.time)

    await database.write(fill)
    assert await Pruner(database, clock, DAY, 1).prune() == 1500
    assert len(await stored(database)) == 3002


async def test_answers_are_kept_for_a_day(database: Database, clock: SetClock) -> None:
    def fill(tx: Transaction) -> None:
        for number in range(2500):
            idempotency.insert(tx, f"old{number}", "f", 200, b"", clock.time - DAY - 1)
        idempotency.insert(tx, "young", "f", 200, b"", clock.time - DAY)

    await database.write(fill)
    await Pruner(database, clock, 100 * DAY, 1).prune()
    keys = await database.read(lambda reader: [row[0] for row in reader.execute("SELECT key FROM idempotency")])
    assert keys == ["young"]


async def test_it_runs_again_and_again(database: Database, clock: SetClock) -> None:
    pruned = asyncio.Queue[int]()

    def hear(events: Sequence[Event]) -> None:
        for event in events:
            if event.kind == Kind.EVENTS_PRUNED:
                pruned.put_nowait(event.data["count"])

    database.on_commit = hear
    running = asyncio.create_task(Pruner(database, clock, DAY, 1).run())
    await database.write(lambda tx: tx.emit(Kind.RUN_QUEUED, 1))
    assert await pruned.get() == 1
    await database.write(lambda tx: tx.emit(Kind.RUN_QUEUED, 1))
    assert await pruned.get() == 1
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
