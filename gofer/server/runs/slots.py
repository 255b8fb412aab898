"""How many task runs may be at the engine at once."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """First come, first served. `limit` 0 means no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    def set_limit(self, limit: int) -> None:
        """From now on: who has a slot keeps it, and who waits for one that there is now gets it."""
        self._limit = limit
        self._hand_out()

    def try_take(self) -> bool:
        """Take a slot if one is free and nobody waits for it."""
        if self._limit and (self._taken >= self._limit or self._waiters):
            return False
        self._taken += 1
        return True

    def take_over(self) -> None:
        """Take a slot, over the limit if need be: for what runs already."""
        self._taken += 1

    async def take(self) -> None:
        """Wait for a slot. Cancelling gives the place in line up."""
        if self.try_take():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self.give()
            elif waiter in self._waiters:  # else `give` has passed it over already
                self._waiters.remove(waiter)
            raise

    def give(self) -> None:
        """Give a slot back; the first in line gets it."""
        self._taken -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiters and (not self._limit or self._taken < self._limit):
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._taken += 1
                waiter.set_result(None)
