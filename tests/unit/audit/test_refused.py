"""Refused attempts: each is counted, and few events tell of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gofer.models.event import Event, Kind
from gofer.server.audit.refused import A_MINUTE, EVERY, MOST_AT_ONCE, MOST_KEYS, Key, RefusedAttempts, Told
from gofer.server.clock import Clock
from gofer.server.store.database import Database
from tests.support.until import PATIENCE


class SetClock(Clock):
    """Set by hand: `seconds` since an arbitrary origin."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1000.0

    def now(self) -> int:
        return round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class Watched:
    """What is stored of attempts that are noted by address."""

    def __init__(self, database: Database, clock: SetClock) -> None:
        self.events: list[Event] = []
        self.clock = clock
        database.on_commit = self.events.extend
        self.attempts = RefusedAttempts(database, clock)

    def note(self, address: str, times: int = 1) -> None:
        for _ in range(times):
            key = Key("anonymous", address, "GET /x", 401, "Not authenticated")
            self.attempts.note(key, lambda: Told(Kind.AUDIT_REFUSED, "", "", {"from": address}))

    async def later(self, seconds: float) -> list[tuple[str, int]]:
        """What is written when so much time has gone: from where, and how many."""
        self.clock.seconds += seconds
        before = len(self.events)
        await self.attempts.write()
        return [(event.data["from"], event.data["count"]) for event in self.events[before:]]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(database, SetClock())


async def test_the_first_at_once_and_then_one_in_a_while_with_their_number(watched: Watched) -> None:
    watched.note("a")
    assert await watched.later(0) == [("a", 1)]
    watched.note("a", 500)
    assert await watched.later(EVERY / 2) == []
    watched.note("a", 7)
    assert await watched.later(EVERY / 2) == [("a", 507)]
    assert watched.events[-1].at == 1_000_000
    assert await watched.later(EVERY) == []
    watched.note("a")
    assert await watched.later(0) == [("a", 1)]


async def test_each_has_its_own(watched: Watched) -> None:
    watched.note("a", 2)
    watched.note("b")
    assert await watched.later(0) == [("a", 2), ("b", 1)]


async def test_more_kinds_than_are_remembered_are_counted_together(watched: Watched) -> None:
    for number in range(MOST_KEYS + 50):
        watched.note(f"a{number}", 2)
    told = await watched.later(0)
    assert len(told) == MOST_AT_ONCE + 1
    assert told[-1] == ("many", 2 * (MOST_KEYS + 50 - MOST_AT_ONCE))
    assert sum(count for _, count in told) == 2 * (MOST_KEYS + 50)


async def test_a_flood_from_everywhere_makes_a_bounded_number_of_events(watched: Watched) -> None:
    """Ten minutes in which every second a thousand others come; each of them is counted."""
    seconds, told = 600, []
    for second in range(seconds):
        for number in range(1000):
            watched.note(f"{second}.{number}")
        told += await watched.later(1)
    told += await watched.later(EVERY)
    told += await watched.later(EVERY)
    assert sum(count for _, count in told) == seconds * 1000
    minutes = (seconds + 2 * EVERY) / 60
    assert len(told) <= MOST_AT_ONCE + minutes * (A_MINUTE + 60 / EVERY) + 1


async def test_what_is_not_refused_any_more_is_forgotten(watched: Watched) -> None:
    for number in range(MOST_KEYS):
        watched.note(f"a{number}")
    await watched.later(0)
    await watched.later(EVERY)
    watched.note("new")
    assert await watched.later(EVERY) == [("new", 1)]


async def test_they_are_written_beside(database: Database) -> None:
    watched = Watched(database, SetClock())
    written = asyncio.Event()

    def note(events: Sequence[Event]) -> None:
        watched.events.extend(events)
        written.set()

    database.on_commit = note
    running = asyncio.create_task(watched.attempts.run())
    watched.note("a")
    async with asyncio.timeout(PATIENCE):
        await written.wait()
    assert [event.data for event in watched.events] == [{"from": "a", "count": 1}]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
