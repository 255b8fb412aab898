"""What a pipeline keeps so many of only, or for so many runs: the loop that lets go of the rest."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from gofer.errors import Unavailable
from gofer.server.own_log import get_logger

PAUSE = 1.0
"""Seconds for which notices are collected."""

K = TypeVar("K", int, tuple[str, str])
_RETRY = 5.0


class Expiry(ABC, Generic[K]):
    """`keep`: how many, or for how many runs (0: all); `what` is kept, for the own log; `pause`: seconds for which
    notices are collected. A pipeline is known by its key, or by its namespace and its id.
    """

    def __init__(self, what: str, keep: int, pause: float) -> None:
        self._what = what
        self._keep = keep
        self._pause = pause
        self._noticed: set[K] = set()
        self._all = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Catch up with everything, then expire what each `notice` makes old, until cancelled."""
        await self._patiently(self._begin)
        await self._patiently(self.expire_once)
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._pause)
            self._wake.clear()
            if self._all:
                self._all = False
                await self._patiently(self.expire_once)
            noticed, self._noticed = self._noticed, set()
            for pipeline in sorted(noticed):
                await self._patiently(partial(self._expire, pipeline))

    def set_keep(self, keep: int) -> None:
        """From now on; what is old by that is expired soon."""
        self._keep = keep
        self._all = True
        self._wake.set()

    def notice(self, pipeline: K) -> None:
        """Something of this pipeline may be old by now, as when a run of it has ended."""
        if self._keep > 0:
            self._noticed.add(pipeline)
            self._wake.set()

    async def expire_once(self) -> None:
        """Expire everything that is old now. Raises Unavailable when the database is in trouble."""
        if self._keep > 0:
            for pipeline in await self._pipelines():
                await self._expire(pipeline)

    async def _begin(self) -> None:
        """Done once, before anything is expired. May raise Unavailable or OSError, and is called again then."""
        return

    @abstractmethod
    async def _pipelines(self) -> Sequence[K]:
        """The pipelines that have something to expire. May raise Unavailable."""

    @abstractmethod
    async def _expire(self, pipeline: K) -> None:
        """Expire what is old of one pipeline. May raise Unavailable or OSError.

        In steps that each look at `_keep`: a reload may change it, and 0 would make everything old.
        """

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, again and again while the database or the disk is in trouble."""
        while True:
            try:
                return await work()
            except (Unavailable, OSError) as error:
                get_logger("gofer.expiry").warning(f"expiry of {self._what} waits", error=str(error))
            await asyncio.sleep(_RETRY)
