"""Whether the container engine answers, and patience for as long as it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gofer.engines.scheduler.base import Scheduler
from gofer.errors import EngineUnavailable
from gofer.models.event import Kind
from gofer.models.system import EngineInfo
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.store.database import Database

T = TypeVar("T")

_FIRST_PROBE = 0.1
_LAST_PROBE = 2.0
_FRESH_FOR = 2.0


class EngineWatch:
    """Calls the engine for its users. The first that finds it away looks for it until it is back; all others wait.

    `info` is the engine's last own word; `problem` says what is wrong while it is not available.
    """

    def __init__(self, scheduler: Scheduler, database: Database, clock: Clock) -> None:
        self._scheduler = scheduler
        self._database = database
        self._clock = clock
        self._log = get_logger("gofer.engine")
        self._back = asyncio.Event()
        self._back.set()
        self._lost = asyncio.Event()
        self._checked_at = float("-inf")
        self.info = EngineInfo(name=scheduler.name)
        self.problem = ""

    @property
    def available(self) -> bool:
        return not self.problem

    async def check(self) -> None:
        """Ask for a sign of life unless one came in the last two seconds; the answer stands in `problem`."""
        if self.problem or self._clock.monotonic() - self._checked_at < _FRESH_FOR:
            return
        try:
            self.info = await self._scheduler.check()
            self._checked_at = self._clock.monotonic()
        except EngineUnavailable as error:
            self._begin_outage(error)

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """The result of `make()`; made again after every outage of the engine."""
        failures = 0
        while True:
            try:
                return await make()
            except EngineUnavailable as error:
                await self.outage(error, failures)
                failures += 1

    async def outage(self, error: EngineUnavailable, failures: int = 0) -> None:
        """Returns when the engine answers again; later, the more often the caller's call has failed before."""
        self._begin_outage(error)
        await self._back.wait()
        # An engine that is partly down may give signs of life and still refuse the call.
        if failures:
            await asyncio.sleep(min(_FIRST_PROBE * 2 ** min(failures, 10), _LAST_PROBE))

    async def run(self) -> None:
        """The watch itself: sleeps until an outage begins, then probes the engine until it has ended.

        What has passed before the first probe is no outage that anybody needs to be told of.
        """
        while True:
            await self._wait_for_outage()
            if await self._answers():
                continue
            await self._record(Kind.ENGINE_UNAVAILABLE, {"engine": self._scheduler.name, "problem": self.problem})
            await self._probe()
            await self._record(Kind.ENGINE_AVAILABLE, {"engine": self._scheduler.name})

    def _begin_outage(self, error: EngineUnavailable) -> None:
        if self.problem:
            return
        self.problem = error.message
        self._log.warning("engine unavailable", engine=self._scheduler.name, problem=error.message)
        self._back.clear()
        self._lost.set()

    async def _wait_for_outage(self) -> None:
        await self._lost.wait()
        self._lost.clear()

    async def _probe(self) -> None:
        delay = _FIRST_PROBE
        while not await self._answers():
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LAST_PROBE)

    async def _answers(self) -> bool:
        """Look for the engine; if it is there the outage is over."""
        try:
            self.info = await self._scheduler.check()
        except EngineUnavailable as error:
            self.problem = error.message
            return False
        self.problem = ""
        self._checked_at = self._clock.monotonic()
        self._log.info("engine available again", engine=self._scheduler.name)
        self._back.set()
        return True

    async def _record(self, kind: Kind, data: dict[str, str]) -> None:
        at = self._clock.now()
        await self._database.write_patiently(lambda tx: tx.emit(kind, at, data=data))
