"""Turns: never more than there are, each gets one in time, and nobody takes them from the others."""

from __future__ import annotations

import asyncio

import pytest

from gofer.server.logs.turns import Turns


async def taken(turns: Turns, who: str, order: list[str]) -> None:
    async with turns.turn(who):
        order.append(who)
        await asyncio.sleep(0)


async def test_who_waits_with_many_gets_no_more_than_who_waits_with_one() -> None:
    turns, order = Turns(1), list[str]()
    async with asyncio.TaskGroup() as group:
        for who in ["a"] * 50 + ["b", "b", "c"]:
            group.create_task(taken(turns, who, order))
    assert order[:7] == ["a", "a", "b", "c", "a", "b", "a"]
    assert len(order) == 53


async def test_no_more_than_so_many_at_once() -> None:
    turns, now, most = Turns(2), 0, 0

    async def work() -> None:
        nonlocal now, most
        async with turns.turn("a"):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 2


@pytest.mark.parametrize("is_granted", [False, True])
async def test_who_goes_away_keeps_no_turn(is_granted: bool) -> None:
    turns, order = Turns(1), list[str]()
    async with turns.turn("a"):
        gone = asyncio.create_task(taken(turns, "gone", order))
        stays = asyncio.create_task(taken(turns, "stays", order))
        await asyncio.sleep(0)
        if not is_granted:
            gone.cancel()
            await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone, stays], timeout=10)
    assert order == ["stays"]
    await asyncio.wait_for(taken(turns, "later", order), 10)
