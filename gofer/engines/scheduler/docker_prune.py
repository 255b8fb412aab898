"""Removing ended containers that were left behind, now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from gofer.engines.scheduler.base import Container
from gofer.engines.scheduler.docker import DockerScheduler
from gofer.errors import GoferError


class DockerPruner:
    """Removes containers that have all of `labels` and ended more than `every` seconds ago, each `every` seconds.

    `spare(container)` says which of them is still needed, such as one whose log has not been read yet.
    """

    def __init__(
        self,
        scheduler: DockerScheduler,
        labels: Mapping[str, str],
        every: float,
        spare: Callable[[Container], Awaitable[bool]],
    ) -> None:
        self._scheduler = scheduler
        self._labels = labels
        self._every = every
        self._spare = spare
        self._log = structlog.get_logger("gofer.engine")

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            await asyncio.sleep(self._every)
            try:
                removed = await self.prune()
            except GoferError as error:
                self._log.warning("old containers not removed", problem=error.message)
            else:
                self._log.info("old containers removed", containers=len(removed))

    async def prune(self) -> list[str]:
        """Do it once; the names of what was removed. Raises EngineUnavailable."""
        removed = []
        for container in await self._scheduler.ended_before(self._labels, self._every):
            if not await self._spare(container):
                await self._scheduler.remove(container.name)
                removed.append(container.name)
        return removed
