"""Slots at the engine."""

from __future__ import annotations

import asyncio

import pytest

from gofer.server.runs.slots import Slots


async def test_first_come_first_served() -> None:
    slots = Slots(1)
    assert slots.try_take()
    order: list[int] = []

    async def taker(number: int) -> None:
        await slots.take()
        order.append(number)

    takers = [asyncio.create_task(taker(n)) for n in range(3)]
    await asyncio.sleep(0)
    assert not slots.try_take()
    for n in range(3):
        slots.give()
        await takers[n]
    assert order == [0, 1, 2]


async def test_nobody_overtakes_one_who_waits() -> None:
    slots = Slots(2)
    slots.take_over()
    slots.take_over()
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.give()
    assert not slots.try_take()
    await waiting


async def test_one_who_gives_up_leaves_no_gap() -> None:
    slots = Slots(1)
    assert slots.try_take()
    first, second = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    slots.give()
    await second


async def test_one_who_gives_up_in_the_moment_of_its_turn_passes_it_on() -> None:
    slots = Slots(1)
    assert slots.try_take()
    first, second = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.give()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second


async def test_what_runs_already_counts_over_the_limit() -> None:
    slots = Slots(1)
    slots.take_over()
    slots.take_over()
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.give()
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.give()
    await waiting


async def test_no_limit() -> None:
    slots = Slots(0)
    assert all(slots.try_take() for _ in range(1000))


async def test_a_place_in_line_given_up_while_a_slot_is_given_back() -> None:
    slots = Slots(1)
    slots.take_over()
    leaver, stayer = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    leaver.cancel()
    slots.give()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    await stayer
    assert not slots.try_take()
    slots.give()
    assert slots.try_take()


async def test_another_limit_lets_in_who_waits_and_throws_nobody_out() -> None:
    slots = Slots(1)
    assert slots.try_take()
    waiting = [asyncio.create_task(slots.take()) for _ in range(3)]
    await asyncio.sleep(0)
    slots.set_limit(3)
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, True, False]
    slots.set_limit(1)
    slots.give()
    slots.give()
    await asyncio.sleep(0)
    assert not waiting[2].done()
    slots.set_limit(0)
    await waiting[2]
    assert slots.try_take()
