"""Calls of the engine that is away at times: made again until it has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from gofer.errors import EngineUnavailable

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0


class Interrupted(Exception):
    """Whoever called wants something else by now."""


async def patiently(
    call: Callable[[], Awaitable[T]], interrupted: asyncio.Event, away: Callable[[EngineUnavailable | None], None]
) -> T:
    """The result of `call`, made again as long as the engine is away. `away` is told each time that it is, and None
    when it is no longer. Raises Interrupted where `interrupted` is set before."""
    wait = FIRST_WAIT
    while True:
        try:
            found = await call()
        except EngineUnavailable as error:
            away(error)
        else:
            if wait > FIRST_WAIT:
                away(None)
            return found
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await interrupted.wait()
                raise Interrupted
        wait = min(wait * 2, LONGEST_WAIT)


async def stubbornly(call: Callable[[], Awaitable[None]]) -> None:
    """Make `call` until the engine has done it."""
    wait = FIRST_WAIT
    while True:
        try:
            return await call()
        except EngineUnavailable:
            await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)
