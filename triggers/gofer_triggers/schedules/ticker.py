"""One clock for all subscriptions of a trigger: wakes when the next of them is due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from gofer_sdk.trigger import Clock
from gofer_triggers.schedules.due import Step, Times, due

_LOOK_EVERY_SECONDS = 20.0
# So many subscriptions are told of side by side: where thousands are due at once, the others wait without a task each.
_AT_ONCE = 200
# A clock that goes back by less is not looked after: what was told of is not told again, and goes on soon.
_SET_BACK = 60_000


class Entry:
    """A subscription's place in the ticker: `told` is the newest time that Gofer has been told of."""

    __slots__ = ("at", "id", "keep", "punctual", "telling", "times", "told")

    def __init__(self, subscription: str, times: Times, told: int, keep: int, punctual: int) -> None:
        self.id = subscription
        self.times = times
        self.told = told
        self.keep = keep
        self.punctual = punctual
        self.at: int | None = None
        self.telling: asyncio.Task[None] | None = None


class Ticker:
    """Tells of each subscription's times when they are due, one after the other.

    While one of them is being told of (Gofer may be away), the subscription's next ones wait, and are then judged
    anew: they may have been missed meanwhile. Times come from `clock` and nowhere else, so that it makes no
    difference whether a time has passed while the program slept, the machine did or somebody set the clock.
    `tell` must not raise; `spawn` starts a task with a name. While `connected` is not set nothing is told: what fell
    into that time is judged when it is set again.
    """

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[Entry, Step], Awaitable[None]],
        spawn: Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]],
        connected: asyncio.Event,
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._spawn = spawn
        self._connected = connected
        self._entries: dict[str, Entry] = {}
        self._heap: list[tuple[int, int, Entry]] = []
        self._order = itertools.count()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._wake = asyncio.Event()
        self._latest = 0

    def put(self, entry: Entry) -> None:
        """Begin with a subscription, in place of what it had. What was missed before now is told of at once.

        If something of it was still being told of, that is given up: what Gofer knows is in `entry`.
        """
        self.drop(entry.id)
        # A clock that was set back must not stop it until it is as late again.
        entry.told = min(entry.told, self._clock.now())
        self._entries[entry.id] = entry
        self._push(entry)

    def drop(self, subscription: str) -> None:
        """End a subscription, if it is there."""
        entry = self._entries.pop(subscription, None)
        if entry is not None and entry.telling is not None:
            entry.telling.cancel()

    def coming(self, most: int) -> list[tuple[str, int]]:
        """The next subscriptions, and when they are due."""
        waiting = ((entry.id, at) for at, _order, entry in self._heap if self._waits(entry, at))
        return heapq.nsmallest(most, waiting, key=lambda pair: pair[1])

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._connected.wait()
            now = self._clock.now()
            if now < self._latest - _SET_BACK:
                self._set_back(now)
            self._latest = now
            while self._heap and self._heap[0][0] <= now:
                await self._slots.acquire()
                self._tell_first(now)
            await self._sleep(self._heap[0][0] if self._heap else None)

    def _tell_first(self, now: int) -> None:
        """Begin to tell of the first in the heap, if it is due; who calls this has taken a slot for it."""
        if self._heap and self._heap[0][0] <= now:
            at, _order, entry = heapq.heappop(self._heap)
            if self._waits(entry, at):
                entry.telling = self._spawn(f"tell {entry.id}", self._tell_all(entry))
                entry.telling.add_done_callback(lambda _done: self._slots.release())
                return
        self._slots.release()

    def _waits(self, entry: Entry, at: int) -> bool:
        return entry.at == at and entry.telling is None and self._entries.get(entry.id) is entry

    async def _tell_all(self, entry: Entry) -> None:
        for step in due(entry.times, entry.told, self._clock.now(), entry.keep, entry.punctual):
            await self._tell(entry, step)
            entry.told = step.at
        entry.telling = None
        if self._entries.get(entry.id) is entry:
            self._push(entry)

    def _push(self, entry: Entry) -> None:
        entry.at = entry.times.after(entry.told)
        if entry.at is not None:
            heapq.heappush(self._heap, (entry.at, next(self._order), entry))
            self._wake.set()

    def _set_back(self, now: int) -> None:
        """Begin again from now; ids are made of times, so that nothing that was told of starts twice."""
        self._heap.clear()
        for entry in self._entries.values():
            if entry.telling is None:
                entry.told = min(entry.told, now)
                self._push(entry)

    async def _sleep(self, until: int | None) -> None:
        """Until that time or until something has changed; never for long, as the clock may be set."""
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._wake.wait(), name="subscriptions")]
        if until is not None:
            waits.append(asyncio.create_task(self._clock.until(until), name="time"))
        try:
            await asyncio.wait(waits, timeout=_LOOK_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._wake.clear()
