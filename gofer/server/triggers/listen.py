"""What the rest of the server makes of a trigger's connection: subscriptions go out, events come in."""

from __future__ import annotations

from gofer.server.triggers.contract import Fire, Fired, Session
from gofer.server.triggers.fire import Firing
from gofer.server.triggers.subscribe import Subscriber


class PipelineListener:
    """Implements `contract.Listener` for pipelines' subscriptions and their runs."""

    def __init__(self, subscriber: Subscriber, firing: Firing) -> None:
        self._subscriber = subscriber
        self._firing = firing

    async def established(self, session: Session) -> None:
        """Goes on for as long as the connection."""
        await self._subscriber.established(session)

    async def fire(self, session: Session, fire: Fire) -> Fired:
        return await self._firing.fire(session, fire)

    def lost(self, session: Session) -> None:
        """Nothing is left to do: `established` was cancelled."""
