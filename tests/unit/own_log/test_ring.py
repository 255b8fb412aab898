"""The newest lines in memory: bounded, searched, followed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

from gofer.models.own_log import Level
from gofer.server.own_log_ring import Ring, Wanted


def add(ring: Ring, event: str, level: Level = "info", at: int = 1, **fields: str) -> int:
    return ring.add(at, level, "gofer", event, fields).number


def events(ring: Ring, wanted: Wanted = Wanted(), after: int = 0, limit: int = 100) -> list[str]:  # noqa: B008
    return [line.event for line in ring.oldest_first(wanted, after, limit).lines]


def test_the_oldest_lines_go_first() -> None:
    ring = Ring(most_lines=3)
    for number in range(10):
        add(ring, str(number))
    assert events(ring) == ["7", "8", "9"]


def test_the_bytes_are_bounded_too_but_the_newest_line_stays() -> None:
    ring = Ring(most_bytes=10_000)
    for number in range(10):
        add(ring, str(number), text="x" * 4_000)
    assert events(ring) == ["8", "9"]
    add(ring, "long", text="x" * 20_000)
    assert events(ring) == ["long"]


def test_filters() -> None:
    ring = Ring()
    add(ring, "one", "debug", at=1)
    add(ring, "two", "warning", at=2, run="default/Nightly/7")
    add(ring, "three", "error", at=3)
    assert events(ring, Wanted(level="warning")) == ["two", "three"]
    assert events(ring, Wanted(since=3)) == ["three"]
    assert events(ring, Wanted(contains="nightly")) == ["two"]
    assert events(ring, Wanted(contains="GOFER", level="error")) == ["three"]
    assert events(ring, Wanted(contains="nothing")) == []


def test_pages_in_both_directions_reach_everything_once() -> None:
    ring = Ring()
    numbers = [add(ring, str(i)) for i in range(25)]
    for look, start in ((ring.oldest_first, 0), (ring.newest_first, 2**60)):
        found: list[int] = []
        position: int | None = start
        while position is not None:
            page = look(Wanted(), position, 10)
            found += [line.number for line in page.lines]
            position = page.next
        assert found == (numbers if start == 0 else numbers[::-1])


async def test_a_follower_gets_every_line_once_whichever_thread_says_it() -> None:
    ring = Ring()
    before = add(ring, "before")

    def speak() -> None:
        for number in range(300):
            add(ring, str(number))

    found: list[str] = []
    threads = [threading.Thread(target=speak) for _ in range(3)]
    async with aclosing(ring.follow(Wanted(), before - 1)) as lines:
        async for some, missed in lines:
            assert missed == 0
            if not found:
                for thread in threads:
                    thread.start()
            found += [line.event for line in some]
            if len(found) == 901:
                break
    for thread in threads:
        thread.join()
    assert found[0] == "before"
    assert sorted(found[1:]) == sorted([str(n) for n in range(300)] * 3)


async def test_a_slow_follower_is_told_what_it_missed() -> None:
    ring = Ring(most_lines=5)
    number = add(ring, "first")
    async with aclosing(ring.follow(Wanted(), number - 1)) as lines:
        first = await anext(lines)
        for i in range(20):
            add(ring, str(i))
        later = await anext(lines)
    assert ([line.event for line in first.lines], first.missed) == (["first"], 0)
    assert ([line.event for line in later.lines], later.missed) == (["15", "16", "17", "18", "19"], 15)


async def test_only_new_lines_and_only_those_that_are_wanted() -> None:
    ring = Ring()
    add(ring, "old", "error")
    async with aclosing(ring.follow(Wanted(level="error"), None)) as lines:
        waiting = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0)
        add(ring, "chatter")
        add(ring, "new", "error")
        found = await waiting
    assert [line.event for line in found.lines] == ["new"]


async def test_a_number_from_an_earlier_life_or_from_the_future_gives_everything() -> None:
    ring = Ring()
    last = add(ring, "a")
    for after in (5, last + 1_000):
        async with aclosing(ring.follow(Wanted(), after)) as lines:
            found = await anext(lines)
        assert ([line.event for line in found.lines], found.missed) == (["a"], 0)
