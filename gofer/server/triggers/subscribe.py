"""Keeping every trigger told of its subscriptions, whatever is registered, changed or restarted meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from gofer.models.event import Event, Kind
from gofer.models.ids import shown
from gofer.server.pipelines.subscriptions import Asked
from gofer.server.store.database import Database
from gofer.server.store.subscriptions import SubscriptionRow
from gofer.server.triggers.check import Checker
from gofer.server.triggers.contract import Session
from gofer.server.triggers.reveal import Revealer
from gofer.server.triggers.tell_events import EventTeller
from gofer.server.triggers.telling import Telling, Told

_SETTLE_SECONDS = 5.0
_ONES = frozenset({Kind.SUBSCRIPTION_CREATED, Kind.SUBSCRIPTION_CHANGED, Kind.SUBSCRIPTION_DELETED})
_SECRETS = frozenset({Kind.SECRET_PUT, Kind.SECRET_DELETED})


class Subscriber:
    """Is told of connections by `established` and of changes by `committed`, the events of each commit: so a change
    reaches its trigger whoever has made it, and even if they have given up waiting.

    See `pipelines.subscriptions.Asking` for the rest.
    """

    def __init__(self, database: Database, revealer: Revealer, checker: Checker, events: EventTeller) -> None:
        self._database = database
        self._revealer = revealer
        self._checker = checker
        self._events = events
        self._tellings: dict[str, Telling] = {}

    async def established(self, session: Session) -> None:
        """Tell a trigger everything, and then what changes and what happens, until it is cancelled."""
        telling = self._tellings[session.trigger] = Telling(session, self._database, self._revealer, self._events)
        try:
            await telling.run()
        finally:
            if self._tellings.get(session.trigger) is telling:
                del self._tellings[session.trigger]

    def committed(self, events: Sequence[Event]) -> None:
        """To be called with the events of each commit."""
        if not self._tellings:
            return
        for event in events:
            if event.kind in _ONES:
                telling = self._tellings.get(event.data["trigger"])
                if telling is not None:
                    telling.note([int(event.data["subscription"])])
            elif event.kind in _SECRETS:
                for telling in self._tellings.values():
                    telling.note_secret((event.namespace, event.pipeline, event.data["key"]))

    def state(self, row: SubscriptionRow) -> Told:
        """How it stands with its trigger."""
        telling = self._tellings.get(row.trigger)
        if telling is None:
            return Told("pending", f"The trigger {shown(row.trigger)} is not connected.")
        return telling.state(row.key)

    async def check(self, namespace: str, pipeline: str, asked: Sequence[Asked]) -> list[str]:
        return await self._checker.check(namespace, pipeline, asked)

    async def settled(self, keys: Sequence[int]) -> None:
        """Return when the triggers have been told how these are now, or that takes too long."""
        tellings = list(self._tellings.values())
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                for telling in tellings:
                    for key in keys:
                        await telling.settled(key)
