"""Who is connected."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gofer.server.triggers.contract import Session

if TYPE_CHECKING:
    from gofer.server.triggers.session import TriggerSession


class Roster:
    """The sessions by the names of their triggers; implements `contract.Sessions`. Event loop only.

    `told` counts the events that triggers have told of, by trigger and what came of them.
    """

    def __init__(self) -> None:
        self.told: Counter[tuple[str, str]] = Counter()
        self._sessions: dict[str, TriggerSession] = {}
        self._ready: dict[str, TriggerSession] = {}
        self._waiting: dict[str, set[asyncio.Future[TriggerSession]]] = {}

    def find(self, trigger: str) -> Session | None:
        """See `contract.Sessions.find`."""
        return self._sessions.get(trigger)

    def session(self, trigger: str) -> TriggerSession | None:
        """The same, for who owns the connection."""
        return self._sessions.get(trigger)

    def add(self, session: TriggerSession) -> None:
        """It is configured."""
        self._sessions[session.trigger] = session

    def ready(self, session: TriggerSession) -> None:
        """It has all its subscriptions."""
        self._ready[session.trigger] = session
        for future in self._waiting.get(session.trigger, ()):
            if not future.done():
                future.set_result(session)

    async def when_ready(self, trigger: str, after: TriggerSession | None = None) -> TriggerSession:
        """Its session, which has all its subscriptions: what comes before would be nobody's. Waits for it, and for
        another one than `after`, which has turned out to be over."""
        session = self._ready.get(trigger)
        if session is not None and session is not after:
            return session
        future: asyncio.Future[TriggerSession] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(trigger, set())
        waiting.add(future)
        try:
            return await future
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(trigger, None)

    def remove(self, session: TriggerSession) -> None:
        """It is over; another that has taken its place stays."""
        if self._ready.get(session.trigger) is session:
            del self._ready[session.trigger]
        if self._sessions.get(session.trigger) is session:
            del self._sessions[session.trigger]

    def __iter__(self) -> Iterator[TriggerSession]:
        return iter(list(self._sessions.values()))
