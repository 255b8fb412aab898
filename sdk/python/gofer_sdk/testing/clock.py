"""A clock that is moved by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Final

from gofer_sdk.trigger.duration import Duration

# 2030-01-01T00:00:00Z, a Tuesday
START: Final = 1_893_456_000_000


class ManualClock:
    """Stands still until `advance`. Times are milliseconds since the epoch; `patience` is in seconds."""

    def __init__(self, at: int = START, patience: float = 2.0) -> None:
        self._now = at
        self._patience = patience
        self._order = itertools.count()
        self._waits: list[tuple[int, int, asyncio.Future[None]]] = []
        self._came = asyncio.Event()

    def now(self) -> int:
        """What time it is."""
        return self._now

    async def until(self, at: int) -> None:
        """Wait until somebody has moved the clock there."""
        if at <= self._now:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waits, (at, next(self._order), future))
        self._came.set()
        await future

    async def advance(self, by: int | str) -> None:
        """Move the clock by a duration, stopping at each time that somebody waits for.

        There it goes on when as many wait again as before, or when `patience` is over: then what was waited for has
        been done. So a loop that waits for its next time fires once for each.
        """
        target = self._now + (Duration(by) if isinstance(by, str) else by)
        while (due := self._next()) is not None and due <= target:
            self._now = max(self._now, due)
            before = self._waiting()
            while (first := self._next()) is not None and first <= self._now:
                heapq.heappop(self._waits)[2].set_result(None)
            await self._settled(before)
        self._now = target

    def _next(self) -> int | None:
        while self._waits and self._waits[0][2].done():
            heapq.heappop(self._waits)
        return self._waits[0][0] if self._waits else None

    def _waiting(self) -> int:
        return sum(not future.done() for _, _, future in self._waits)

    async def _settled(self, waiting: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while self._waiting() < waiting:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            pass
