"""The background tasks of a trigger, and who owns them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Named tasks: what one raises is logged, and the others go on."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def running(self) -> set[asyncio.Task[None]]:
        """Those that have not ended."""
        return {task for task in self._tasks if not task.done()}

    async def cancel(self) -> None:
        """End all but the one that calls this, and wait for their ends."""
        others = self.running() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error('The task "%s" has failed.', task.get_name(), exc_info=error)
