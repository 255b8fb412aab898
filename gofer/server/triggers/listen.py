"""What the rest of the server makes of a trigger's connection: subscriptions go out, events come in."""

from __future__ import annotations

import asyncio

from gofer.server.triggers.contract import Fire, Fired, Session
from gofer.server.triggers.fire import Firing
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.subscribe import Subscriber
from gofer.server.triggers.tell_events import EventTeller


class PipelineListener:
    """Implements `contract.Listener` for pipelines' subscriptions and their runs."""

    def __init__(self, roster: Roster, subscriber: Subscriber, firing: Firing, teller: EventTeller) -> None:
        self._roster = roster
        self._teller = teller
        self._subscriber = subscriber
        self._firing = firing

    async def established(self, session: Session) -> None:
        """Goes on for as long as the connection."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._subscriber.established(session), name=f"subscriptions of {session.trigger}")
            group.create_task(self._tell(session), name=f"events for {session.trigger}")

    async def _tell(self, session: Session) -> None:
        """Gofer's own events, once it has its subscriptions."""
        await self._roster.when_ready(session.trigger)
        await self._teller.tell(session)

    async def fire(self, session: Session, fire: Fire) -> Fired:
        return await self._firing.fire(session, fire)

    def lost(self, session: Session) -> None:
        """Nothing is left to do: `established` was cancelled."""
