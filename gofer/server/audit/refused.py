"""Refused attempts, told in so few events that nobody can fill the disk with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.store.database import Database
from gofer.server.store.transaction import Transaction

EVERY = 10.0
"""Seconds: of what goes on and on, there is one event in this time, which says how often."""

MOST_KEYS = 1_000
MOST_AT_ONCE = 300
A_MINUTE = 12
"""How many events there are at most: `MOST_AT_ONCE`, and from then on so many a minute. What has none of its own is
counted together with others, in one event every `EVERY` seconds at most."""

_MANY = {
    "by": "many",
    "from": "many",
    "what": "many",
    "status": 0,
    "reason": "There were too many different ones to tell of each.",
}


class Key(NamedTuple):
    """Attempts that are the same but for their time: they are counted together."""

    by: str
    address: str
    what: str
    status: int
    title: str


class Told(NamedTuple):
    """What the event says."""

    kind: Kind
    namespace: str
    pipeline: str
    data: dict[str, Any]


class _Attempts:
    """Those of one key: how many no event has told of yet, and from when on the next may (in the clock's seconds)."""

    __slots__ = ("at", "count", "due", "told")

    def __init__(self, told: Told, at: int) -> None:
        self.told = told
        self.at = at
        self.count = 0
        self.due = 0.0


class RefusedAttempts:
    """Counts at once, and writes beside: no request waits for a write. To be used in the event loop alone.

    The first of a kind is written as soon as may be; what a sudden end of the server loses is the count of the last
    `every` seconds.
    """

    def __init__(self, database: Database, clock: Clock, every: float = EVERY) -> None:
        self._database = database
        self._clock = clock
        self._every = every
        self._known: dict[Key, _Attempts] = {}
        self._others = _Attempts(Told(Kind.AUDIT_REFUSED, "", "", _MANY), 0)
        self._fresh = asyncio.Event()
        self._left = float(MOST_AT_ONCE)
        self._filled_at = clock.monotonic()

    def note(self, key: Key, tell: Callable[[], Told]) -> None:
        """One more. `tell` is only called where there was none of that key lately."""
        attempts = self._known.get(key)
        if attempts is None:
            attempts = self._others
            if len(self._known) < MOST_KEYS:
                attempts = self._known[key] = _Attempts(tell(), 0)
            self._fresh.set()
        if attempts.count == 0:
            attempts.at = self._clock.now()
        attempts.count += 1

    async def run(self) -> None:
        """Write what there is, for ever. Faults of the store are waited out."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every / 2 if self._known or self._others.count else None):
                    await self._fresh.wait()
            self._fresh.clear()
            await self.write()

    async def write(self) -> None:
        """Write what is due."""
        due = self._take(self._clock.monotonic())
        if not due:
            return

        def work(tx: Transaction) -> None:
            for told, at, count in due:
                data = {**told.data, "count": count}
                tx.emit(told.kind, at, namespace=told.namespace, pipeline=told.pipeline, data=data)

        await self._database.write_patiently(work)

    def _take(self, now: float) -> list[tuple[Told, int, int]]:
        self._left = min(float(MOST_AT_ONCE), self._left + (now - self._filled_at) * A_MINUTE / 60)
        self._filled_at = now
        due: list[tuple[Told, int, int]] = []
        for key, attempts in list(self._known.items()):
            if attempts.due > now:
                continue
            if not attempts.count:
                del self._known[key]
                continue
            if self._left >= 1:
                self._left -= 1
                due.append((attempts.told, attempts.at, attempts.count))
            else:
                self._others.at = self._others.at if self._others.count else attempts.at
                self._others.count += attempts.count
            attempts.count, attempts.due = 0, now + self._every
        others = self._others
        if others.count and others.due <= now:
            due.append((others.told, others.at, others.count))
            others.count, others.due = 0, now + self._every
        return due
