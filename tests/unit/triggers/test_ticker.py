"""The clock of all subscriptions: with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gofer_triggers.interval.timetable import IntervalTimes
from gofer_triggers.schedules.due import Step
from gofer_triggers.schedules.ticker import Entry, Ticker

MINUTE = 60_000
BEGIN = 1_000_000 * MINUTE


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self._now = BEGIN
        self._waiting: list[tuple[int, asyncio.Event]] = []

    def now(self) -> int:
        return self._now

    async def until(self, at: int) -> None:
        event = asyncio.Event()
        self._waiting.append((at, event))
        if at > self._now:
            await event.wait()

    def set(self, minutes: float) -> None:
        """So many minutes after the begin."""
        self._now = BEGIN + round(minutes * MINUTE)
        for at, event in self._waiting:
            if at <= self._now:
                event.set()


class Bench:
    """A ticker, and what it has told, in minutes after the begin."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.connected = asyncio.Event()
        self.connected.set()
        self.away: asyncio.Event | None = None
        self.told: list[tuple[str, float, bool]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.ticker = Ticker(self.clock, self._tell, self._spawn, self.connected)
        self.running = asyncio.create_task(self.ticker.run())

    def subscribe(self, subscription: str, minutes: int, told: float = 0, keep: int = 0) -> None:
        times = IntervalTimes(minutes * MINUTE, BEGIN - 10_000 * minutes * MINUTE)
        self.ticker.put(Entry(subscription, times, BEGIN + round(told * MINUTE), keep, 6_000))

    async def settled(self) -> list[tuple[str, float, bool]]:
        """What was told since the last call, when nothing moves any more."""
        quiet, before = 0, len(self.told)
        while quiet < 50:
            await asyncio.sleep(0)
            quiet, before = (quiet + 1 if len(self.told) == before else 0), len(self.told)
        told, self.told = self.told, []
        return told

    async def at(self, minutes: float) -> list[tuple[str, float, bool]]:
        self.clock.set(minutes)
        return await self.settled()

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work, name=name))
        return self.tasks[-1]

    async def _tell(self, entry: Entry, step: Step) -> None:
        self.told.append((entry.id, (step.at - BEGIN) / MINUTE, step.start))
        if self.away is not None:
            await self.away.wait()

    async def close(self) -> None:
        for task in (self.running, *self.tasks):
            task.cancel()
        await asyncio.gather(self.running, *self.tasks, return_exceptions=True)


@pytest.fixture
async def bench() -> Any:
    made = Bench()
    yield made
    await made.close()


async def test_each_is_told_when_it_is_due(bench: Bench) -> None:
    bench.subscribe("two", 2)
    bench.subscribe("three", 3)
    assert await bench.at(1.99) == []
    assert await bench.at(2) == [("two", 2, True)]
    assert await bench.at(3.05) == [("three", 3, True)]
    assert await bench.at(4) == [("two", 4, True)]
    assert sorted(await bench.at(6)) == [("three", 6, True), ("two", 6, True)]
    assert sorted(bench.ticker.coming(5)) == [("three", BEGIN + 9 * MINUTE), ("two", BEGIN + 8 * MINUTE)]


async def test_one_that_ended_is_not_told_and_one_that_is_replaced_once(bench: Bench) -> None:
    bench.subscribe("a", 2)
    bench.subscribe("b", 2)
    bench.ticker.drop("a")
    bench.ticker.drop("nobody")
    bench.subscribe("b", 3)
    assert await bench.at(2) == []
    assert await bench.at(3) == [("b", 3, True)]


async def test_what_was_missed_before_it_came_is_told_at_once(bench: Bench) -> None:
    bench.subscribe("none", 2, told=-9)
    bench.subscribe("last", 2, told=-9, keep=1)
    told = await bench.at(0.5)
    # The newest of them, at 0, is half a minute old and late.
    assert sorted(told) == [("last", -2, False), ("last", 0, True), ("none", 0, False)]
    assert sorted(await bench.at(2)) == [("last", 2, True), ("none", 2, True)]


async def test_a_jump_forwards_is_no_flood(bench: Bench) -> None:
    bench.subscribe("a", 1)
    assert await bench.at(1) == [("a", 1, True)]
    year = 365 * 24 * 60
    assert await bench.at(year + 0.5) == [("a", year, False)]
    assert await bench.at(year + 1) == [("a", year + 1, True)]


async def test_a_jump_backwards_does_not_stop_it(bench: Bench) -> None:
    bench.subscribe("a", 1)
    assert await bench.at(1) == [("a", 1, True)]
    assert await bench.at(-1000.5) == []
    bench.subscribe("b", 1000)  # wakes the loop, as a look at the clock every 20 seconds does
    await bench.settled()
    assert sorted(await bench.at(-1000)) == [("a", -1000, True), ("b", -1000, True)]
    assert await bench.at(-999) == [("a", -999, True)]


async def test_a_clock_that_was_ahead_when_it_was_told_last_does_not_stop_it(bench: Bench) -> None:
    bench.subscribe("a", 1, told=500_000)
    assert await bench.at(1) == [("a", 1, True)]


@pytest.mark.parametrize("back", [0.5, 0.9])
async def test_a_small_step_back_tells_nothing_twice(bench: Bench, back: float) -> None:
    bench.subscribe("a", 1)
    assert await bench.at(5) == [("a", 4, False), ("a", 5, True)]
    assert await bench.at(5 - back) == []
    assert await bench.at(5.01) == []
    assert await bench.at(6) == [("a", 6, True)]


async def test_while_gofer_has_not_answered_the_next_ones_wait_and_are_judged_anew(bench: Bench) -> None:
    bench.subscribe("a", 1)
    bench.subscribe("b", 4)
    bench.away = asyncio.Event()
    assert await bench.at(1) == [("a", 1, True)]
    assert await bench.at(4) == [("b", 4, True)]
    bench.clock.set(9.5)
    bench.away.set()
    assert sorted(await bench.settled()) == [("a", 9, False), ("b", 8, False)]
    assert await bench.at(10) == [("a", 10, True)]


async def test_without_a_connection_nothing_is_told_until_it_is_back(bench: Bench) -> None:
    bench.subscribe("none", 1)
    bench.subscribe("last", 1, keep=1)
    await bench.settled()
    bench.connected.clear()
    assert await bench.at(1) == []
    assert await bench.at(7.5) == []
    bench.connected.set()
    assert sorted(await bench.settled()) == [("last", 6, False), ("last", 7, True), ("none", 7, False)]


async def test_ended_while_it_was_told(bench: Bench) -> None:
    bench.subscribe("a", 1, keep=100)
    bench.away = asyncio.Event()
    assert await bench.at(3) == [("a", 1, True)]
    bench.ticker.drop("a")
    bench.subscribe("a", 5)
    bench.away.set()
    assert await bench.at(4) == []
    assert await bench.at(5) == [("a", 5, True)]


async def test_ten_thousand_are_each_told_once(bench: Bench) -> None:
    for number in range(10_000):
        bench.subscribe(f"s{number}", 1 + number % 7)
    await bench.settled()
    counts: dict[str, int] = {}
    for minute in range(1, 8):
        for subscription, at, start in await bench.at(minute):
            assert (at, start) == (minute, True)
            counts[subscription] = counts.get(subscription, 0) + 1
    assert counts == {f"s{number}": 7 // (1 + number % 7) for number in range(10_000)}
