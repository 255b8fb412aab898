"""Containers go when their end is on disk, behind the back of the run that made them."""

from __future__ import annotations

import asyncio
from functools import partial

from gofer.engines.scheduler.base import Scheduler
from gofer.server.own_log import get_logger
from gofer.server.runs.engine_watch import EngineWatch


class Remover:
    """Removes containers one after the other, a few side by side. What it does not reach is swept at the next start."""

    def __init__(self, scheduler: Scheduler, watch: EngineWatch, workers: int = 4) -> None:
        self._scheduler = scheduler
        self._watch = watch
        self._workers = workers
        self._names: asyncio.Queue[str] = asyncio.Queue()
        self._log = get_logger("gofer.engine")

    def remove(self, name: str) -> None:
        """Have a container removed, soon."""
        self._names.put_nowait(name)

    async def run(self) -> None:
        """Works until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def drain(self) -> None:
        """Waits until everything asked for has been removed."""
        await self._names.join()

    async def _work(self) -> None:
        while True:
            name = await self._names.get()
            try:
                await self._watch.call(partial(self._scheduler.remove, name))
            except Exception:
                # It is swept at the next start; until then it is litter, and no reason to stop.
                self._log.exception("container not removed", container=name)
            finally:
                self._names.task_done()
