"""Events, and connections that end before Gofer has answered them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from gofer_sdk.conformance.asked import BEAT, OF_GOFER, OF_TRIGGER
from gofer_sdk.conformance.life import FIRST, HEARTBEAT, REPLY, SECOND, Key, Life
from gofer_sdk.conformance.step import Failed, NotOffered, NotTried, Steps, within
from gofer_sdk.trigger.errors import LinkLost, PeerError

ENDS: Final = "When the connection ends"
DIALS: Final = 10.0
_NO_EVENT: Final = "no event has come"


async def fire(life: Life, steps: Steps) -> bool:
    """An event that is told until it is answered; False where there is no use in going on."""
    held: list[Key] = []

    async def comes() -> None:
        held.append(await _held(life))

    async def dials_again() -> None:
        life.peer.websocket.transport.abort()
        await life.connect(DIALS)
        await life.begin()

    async def told_again() -> None:
        if not held:
            await life.ask("ready")
            raise NotTried(_NO_EVENT)
        if life.events.told_again.is_set():
            raise Failed("that it is told again after ready", "it was told before")
        await life.ask("ready")
        await within(REPLY, life.events.told_again.wait(), f"the event {held[0][0]!r} again, with the same id")

    async def unavailable() -> None:
        if not held:
            raise NotTried(_NO_EVENT)
        waiting = life.events.told_after_unavailable.wait()
        await within(REPLY, waiting, f"the event {held[0][0]!r} again, after the error unavailable")

    async def duplicate() -> None:
        if not held:
            raise NotTried(_NO_EVENT)
        await life.ask("ping")
        await life.ask("debug")

    await steps.attempt("tells of an event", OF_TRIGGER, comes)
    if not await steps.attempt("dials again when the connection is cut", ENDS, dials_again):
        return False
    await steps.attempt("tells again of what was not answered", OF_TRIGGER, told_again)
    await steps.attempt("tells again of what could not be taken", OF_TRIGGER, unavailable)
    await steps.attempt("goes on when Gofer knew the event already", OF_TRIGGER, duplicate)
    return True


async def _held(life: Life) -> Key:
    """An event that is not answered. Raises NotTried, and Failed for any event that is none."""
    holding = life.events.held or life.events.hold()
    provoking = asyncio.create_task(_provoke(life), name="provoking")
    try:
        return await asyncio.wait_for(asyncio.shield(holding), life.given.fire_within)
    except TimeoutError:
        life.events.held = None
        raise NotTried(_none(life)) from None
    finally:
        provoking.cancel()
        await asyncio.wait({provoking})
        if life.events.wrong is not None:
            raise life.events.wrong


def _none(life: Life) -> str:
    before = f", and the {len(life.events.all)} before were answered" if life.events.all else ""
    return (
        f"no event came within {life.given.fire_within:g} s{before}. "
        "Give settings with which one comes, or a longer --fire-within"
    )


async def _provoke(life: Life) -> None:
    """What it is told may make it tell of an event; its answer may have to wait for that."""
    if life.info.get("external_events"):
        with suppress(LinkLost, PeerError, TimeoutError):
            await life.external_event("provoking", life.given.outside)
    if life.info.get("events"):
        with suppress(LinkLost, PeerError, TimeoutError):
            await life.own_event(2)


async def lose(life: Life, steps: Steps) -> bool:
    """Ends of a connection after which it dials again; False where there is no use in going on."""

    async def going_away() -> None:
        await life.peer.link.close(1001, "restarting")
        await life.connect(DIALS)
        await life.ask("configure", settings=dict(life.given.settings))
        await life.subscribe(FIRST)
        await life.ask("ready")

    async def not_told_again() -> None:
        # Only who says when it fires next shows what it has.
        if not life.info.get("next"):
            raise NotOffered
        await life.ask("next", subscription=FIRST, count=1)
        await life.error_of("next", subscription=SECOND, count=1)

    async def silent() -> None:
        life.peer.fall_silent()
        await life.connect(3 * HEARTBEAT / 1000 + DIALS)
        await life.begin()
        await life.ask("ready")

    if not await steps.attempt("dials again when Gofer is restarted", ENDS, going_away):
        return False
    await steps.attempt("keeps the subscriptions that it is told again, and ends the others", OF_GOFER, not_told_again)
    return await steps.attempt("notices a connection that is silent, and dials again", BEAT, silent)
