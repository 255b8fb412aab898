"""All open connections: how many there may be, and which of them wait for something for too long."""

from __future__ import annotations

from typing import Protocol

from gofer.config.live import Live
from gofer.config.settings import ServerSettings
from gofer.server.limits.refusals import Refusals

LINGER = 1.0
"""For so many seconds a client that was refused may still send, so that it gets to see why: what is closed with
something unread is reset, and a reset discards the answer."""

_SHORTEST, _LONGEST = 0.1, 1.0


class Connection(Protocol):
    """One of them."""

    @property
    def is_handshaking(self) -> bool:
        """It has not come as far as HTTP."""

    def check(self, now: float) -> None:
        """Ends what has taken too long. `now`: the loop's time, in seconds."""

    @property
    def is_waiting(self) -> bool:
        """It may give way: it waits for a request, or for the body of one that is no upload; or for a client whom
        nobody knows to take what it is sent."""

    @property
    def is_held_by_stranger(self) -> bool:
        """Its request cannot end before a client whom nobody knows sends, or takes, more."""

    def give_way(self) -> None:
        """Close at once: another needs the room."""


class Connections:
    """Those of every listener. `room` is how many the process may have at all, whatever the settings say."""

    def __init__(self, live: Live, refusals: Refusals, room: int) -> None:
        self._live = live
        self._room = room
        self.refusals = refusals
        self._open: set[Connection] = set()
        # By age: the one that has had no whole request for longest comes first. One that takes in an upload may still
        # be among them: nobody knows at its beginning.
        self._waiting: dict[Connection, None] = {}
        self._checked = 0.0

    @property
    def settings(self) -> ServerSettings:
        """Those that hold now."""
        return self._live.settings.server

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def admit(self, connection: Connection) -> bool:
        """Take in a new one, which has no request yet. False: there is no room, as all are busy."""
        if len(self._open) >= min(self.settings.max_connections, self._room):
            self.refusals.note("connections")
            oldest = self._oldest()
            if oldest is None:
                return False
            self.leave(oldest)
            oldest.give_way()
        self._open.add(connection)
        self._waiting[connection] = None
        return True

    def _oldest(self) -> Connection | None:
        while self._waiting:
            connection = next(iter(self._waiting))
            if connection.is_waiting:
                return connection
            self.busy(connection)
        return None

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def succeed(self, old: Connection, new: Connection) -> None:
        """A connection is a websocket from now on, and busy as long as it lasts."""
        self.leave(old)
        self._open.add(new)

    @property
    def handshaking(self) -> list[Connection]:
        """Those that have not come as far as HTTP."""
        return [one for one in self._waiting if one.is_handshaking]

    @property
    def held_by_strangers(self) -> list[Connection]:
        """Those whose requests cannot end before somebody whom nobody knows sends, or takes, more."""
        return [one for one in self._open if one.is_held_by_stranger]

    def busy(self, connection: Connection) -> None:
        """It has a request that is to be answered."""
        self._waiting.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        """Its requests are answered."""
        if connection in self._open:
            self._waiting[connection] = None

    def sweep(self, now: float) -> None:
        """Check all, but not more often than their time limits ask for. To be called every 100 ms."""
        settings = self.settings
        shortest = min(settings.request_timeout, settings.stall_timeout) / 1000
        if now - self._checked < min(max(shortest / 4, _SHORTEST), _LONGEST):
            return
        self._checked = now
        for connection in list(self._open):
            connection.check(now)
            if connection in self._open and connection not in self._waiting and connection.is_waiting:
                self._waiting[connection] = None
