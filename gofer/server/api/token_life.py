"""A token that dies ends what it was still good for when that began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gofer.errors import NotAuthenticated, NotFound
from gofer.models.event import Kind
from gofer.server.auth.caller import Caller
from gofer.server.events.bus import Filter

if TYPE_CHECKING:
    from gofer.server.services import Services


async def while_token_lives(services: Services, caller: Caller, work: Awaitable[None]) -> None:
    """Does `work`, to its end or to that of the caller's run. Raises NotAuthenticated in the latter case."""
    if caller.kind == "local":
        await work
        return
    tasks = [
        asyncio.create_task(_finished(work), name="websocket of a task"),
        asyncio.create_task(_run_ended(services, caller), name="end of a token"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
                return
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _finished(work: Awaitable[None]) -> None:
    await work


async def _run_ended(services: Services, caller: Caller) -> None:
    """Raises NotAuthenticated once it has."""
    wanted = Filter(frozenset({Kind.RUN_ENDED.value}), caller.namespace, caller.pipeline, caller.run)
    after = services.database.last_seq
    try:
        # It may have ended since the token was looked up.
        ended = (await services.runs.get(caller.namespace, caller.pipeline, caller.run)).status.ended
    except NotFound:
        ended = True
    if not ended:
        async for _ in services.bus.subscribe(wanted, after):
            break
    raise NotAuthenticated("This token is dead: its run has ended.", "Each run has its own.")
