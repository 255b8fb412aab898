"""A token that dies ends what it was still good for when that began."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from gofer.errors import NotAuthenticated, NotFound
from gofer.models.event import Kind
from gofer.server.auth.caller import Caller
from gofer.server.events.bus import Filter

if TYPE_CHECKING:
    from gofer.server.services import Services

T = TypeVar("T")


async def while_token_lives(services: Services, caller: Caller, work: Coroutine[Any, Any, T]) -> T:
    """Does `work`, unless the caller's token, session or run ends before, or may do something else from then on: then
    it raises NotAuthenticated."""
    if caller.kind == "run":
        ending = _run_ended(services, caller)
    elif caller.token:
        ending = _token_ended(services, caller)
    else:
        return await work
    doing = asyncio.create_task(work, name="request of a token")
    life = asyncio.create_task(ending, name="end of a token")
    try:
        await asyncio.wait([doing, life], return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            life.result()
        return doing.result()
    finally:
        doing.cancel()
        life.cancel()
        await asyncio.gather(doing, life, return_exceptions=True)
        services.sessions.used(caller)


async def check_lives(services: Services, caller: Caller) -> None:
    """Raises NotAuthenticated if the caller's token, session or run has ended since it was looked up, or may do
    something else now: a client may take its time between the head of a request and the end of its body."""
    if caller.kind == "run":
        if await _has_ended(services, caller):
            raise _dead_run()
    elif caller.token:
        services.registry.holds_until(caller, services.clock.now())


async def _token_ended(services: Services, caller: Caller) -> None:
    """Raises NotAuthenticated once it has, also by its expiry."""
    registry = services.registry
    while True:
        # It may have gone since it was looked up, and may end another time since it was changed.
        now = services.clock.now()
        until = registry.holds_until(caller, now)
        with registry.watch(caller) as ended, suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else (until - now) / 1000):
                if why := await ended:
                    raise NotAuthenticated(why, "Connect again with one that is good.")


async def _run_ended(services: Services, caller: Caller) -> None:
    """Raises NotAuthenticated once it has."""
    wanted = Filter(frozenset({Kind.RUN_ENDED.value}), caller.namespace, caller.pipeline, caller.run)
    after = services.database.last_seq
    # It may have ended since the token was looked up.
    if not await _has_ended(services, caller):
        async for _ in services.bus.subscribe(wanted, after):
            break
    raise _dead_run()


async def _has_ended(services: Services, caller: Caller) -> bool:
    try:
        return (await services.runs.get(caller.namespace, caller.pipeline, caller.run)).status.ended
    except NotFound:
        return True


def _dead_run() -> NotAuthenticated:
    return NotAuthenticated("This token is dead: its run has ended.", "Each run has its own.")
