"""Who takes external events: the triggers that are there, whether they are connected at the moment or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from gofer.errors import Unavailable
from gofer.models.trigger import TriggerInfo
from gofer.server.triggers.contract import TriggerAway
from gofer.server.triggers.external import Session
from gofer.server.triggers.session import TriggerSession
from gofer.server.triggers.sessions import Roster

PATIENCE = 5.0
"""So many seconds a trigger that is not connected is waited for: many services send a thing once, and a trigger that is
started anew, or has dialled again, is back much sooner."""

_TRIES = 3


class Takers:
    """Implements `external.Sessions`. `info`: what an enabled trigger has told of itself, None if there is none of that
    name."""

    def __init__(self, info: Callable[[str], TriggerInfo | None], roster: Roster) -> None:
        self._info = info
        self._roster = roster

    def taking_external_events(self, trigger: str) -> Session | None:
        info = self._info(trigger)
        return _Taker(trigger, self._roster) if info is not None and info.external_events else None


class _Taker:
    """Implements `external.Session`."""

    def __init__(self, trigger: str, roster: Roster) -> None:
        self._trigger = trigger
        self._roster = roster

    async def external_event(self, fields: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        async with asyncio.timeout(timeout):
            session: TriggerSession | None = None
            for tries in range(_TRIES):
                try:
                    async with asyncio.timeout(PATIENCE):
                        session = await self._roster.when_ready(self._trigger, session)
                except TimeoutError:
                    raise Unavailable("It is not connected.") from None
                try:
                    # The time that it may take is counted here: where it is away, it has gone.
                    return await session.request("external_event", fields, 2 * timeout)
                except TriggerAway as error:
                    # Whether it had told of the event nobody knows, but it is the same event, with the same id.
                    if tries == _TRIES - 1:
                        raise Unavailable(error.message) from None
        raise AssertionError("each try returns or raises")
