"""Taking turns at what only a few may do at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Turns:
    """Only `at_once` at a time. Who waits with many things gets no more turns than who waits with one."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        # Those of each, by who is next; nobody waits while any is free.
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncGenerator[None, None]:
        """Waits for a turn, which lasts as long as the context."""
        await self._begin(who)
        try:
            yield
        finally:
            self._end()

    async def _begin(self, who: str) -> None:
        if self._free:
            self._free -= 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if not future.cancelled():
                # It was given the turn, and has gone meanwhile.
                self._end()
            raise

    def _end(self) -> None:
        while self._waiting:
            who, line = next(iter(self._waiting.items()))
            future = line.popleft()
            self._waiting.move_to_end(who)
            if not line:
                del self._waiting[who]
            if not future.done():
                future.set_result(None)
                return
        self._free += 1
