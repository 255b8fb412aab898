"""Fan-out: hands every stored event to whoever listens, from any number on."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence

from gofer.models.event import Event
from gofer.server.store.database import Database
from gofer.server.store.events import Filter as Filter
from gofer.server.store.events import list_after

_KEPT = 4_096
_BATCH = 1_000


class Bus:
    """Keeps the newest events in memory, once for all; a subscriber is only a number and takes what comes after it.

    Nothing is queued for anybody. A subscriber that lags behind what is kept reads the store until it has caught up,
    so it costs the others nothing and loses nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: list[Event] = []
        self._waiting: dict[Filter, set[asyncio.Future[int]]] = {}

    @property
    def last_seq(self) -> int:
        """The number of the newest event that was committed."""
        return self._database.last_seq

    @property
    def waiting(self) -> int:
        """How many subscribers wait for something new."""
        return sum(map(len, self._waiting.values()))

    def publish(self, events: Sequence[Event]) -> None:
        """To be set as the database's `on_commit`."""
        self._recent.extend(events)
        if len(self._recent) > 2 * _KEPT:
            del self._recent[:-_KEPT]
        seen = events[0].seq - 1
        for filter_ in [one for one in self._waiting if any(map(one.matches, events))]:
            for future in self._waiting.pop(filter_):
                if not future.done():
                    future.set_result(seen)

    def subscribe(self, filter_: Filter, after: int | None) -> AsyncIterator[list[Event]]:
        """All matching events with a number above `after` (None: those committed from this call on), then live ones.

        Without a gap, each once, in order, in lists that are never empty; endless. Use an iterator in one task only.
        It holds nothing while it is not waiting, and may simply be dropped. Whatever reading the store raises is
        raised here; a new subscription from the last number seen goes on.
        """
        return _Subscription(self, filter_, self.last_seq if after is None else after)

    def recent(self, after: int) -> list[Event] | None:
        """The next events above `after`, None if not all of those are in memory."""
        if after >= self.last_seq:
            return []
        if not self._recent or self._recent[0].seq > after + 1:
            return None
        start = bisect_right(self._recent, after, key=_seq)
        return self._recent[start : start + _BATCH]

    async def stored(self, filter_: Filter, after: int) -> tuple[list[Event], int]:
        """The next matching events in the store, and the number up to which none was left out."""
        newest = self.last_seq
        page = await self._database.read(lambda connection: list_after(connection, filter_, after, _BATCH))
        if page.next is not None:
            return page.items, page.next
        return page.items, max(newest, page.items[-1].seq if page.items else after)

    async def wait(self, filter_: Filter) -> int:
        """Until a matching event is published. Returns the number up to which the caller has missed nothing."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(filter_, set())
        waiting.add(future)
        try:
            return await future
        finally:
            waiting.discard(future)
            if not waiting and self._waiting.get(filter_) is waiting:
                del self._waiting[filter_]


class _Subscription(AsyncIterator[list[Event]]):
    """`position` is the number up to which everything that matches was handed out."""

    def __init__(self, bus: Bus, filter_: Filter, position: int) -> None:
        self._bus = bus
        self._filter = filter_
        self._position = position

    async def __anext__(self) -> list[Event]:
        while True:
            if self._position >= self._bus.last_seq:
                self._position = max(self._position, await self._bus.wait(self._filter))
            recent = self._bus.recent(self._position)
            if recent is None:
                events, self._position = await self._bus.stored(self._filter, self._position)
            else:
                events = [event for event in recent if self._filter.matches(event)]
                self._position = recent[-1].seq if recent else self._position
            if events:
                return events


def _seq(event: Event) -> int:
    return event.seq
