"""What a trigger prints, from the engine into its log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gofer.engines.scheduler.base import Scheduler
from gofer.errors import EngineUnavailable
from gofer.server.triggers.capture import Capture
from gofer.server.triggers.logbook import Logbook
from gofer.server.triggers.patience import FIRST_WAIT, LONGEST_WAIT

MAX_OUTPUT = 256 * 1024 * 1024
"""Engines keep what a container prints for as long as it lives: one that has printed so much is started anew."""

_DRAIN_SECONDS = 5.0


class Output:
    """Of one trigger, start after start. `now` is a clock in seconds."""

    def __init__(self, logbook: Logbook, scheduler: Scheduler, now: Callable[[], float]) -> None:
        self._logbook = logbook
        self._scheduler = scheduler
        self._now = now

    async def capture(self, container: str, start_uid: str) -> bool:
        """Put it into the log, to the end of it. True: it is more than an engine should keep, and is left at that."""
        capture = Capture(self._logbook, await self._logbook.begin(start_uid), self._now)
        wait = FIRST_WAIT
        while True:
            try:
                async for chunk in self._scheduler.logs(container, capture.position):
                    capture.feed(chunk)
                    # Who prints without a pause must not be all that Gofer does.
                    await asyncio.sleep(0)
                    if capture.size > MAX_OUTPUT:
                        return True
                capture.finish()
                return False
            except EngineUnavailable:
                capture.restart()
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)


async def drain(capturing: asyncio.Task[bool]) -> None:
    """Wait for what it has printed last, a while; then give up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            await asyncio.wait([capturing])
    capturing.cancel()
