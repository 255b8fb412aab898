"""Which log a websocket is about, and what becomes of it."""

from __future__ import annotations

from gofer.errors import NotFound
from gofer.models.run import Attempt, LogState, TaskRunDetail
from gofer.server.api.endpoint import TaskPath
from gofer.server.events.bus import Filter
from gofer.server.logs.logs import LogId
from gofer.server.services import Services


class LogSource:
    """The log of an attempt; `attempt` None: of the newest, which need not exist yet."""

    def __init__(self, services: Services, path: TaskPath, attempt: int | None) -> None:
        self._services = services
        self._path = path
        self._asked = attempt
        self._attempt = attempt

    async def find(self) -> None:
        """Find out which attempt is meant, if there is any yet. Raises NotFound."""
        detail = await self._detail()
        if self._asked is not None and self._of(detail) is None:
            raise NotFound(
                f"The task run {self._path.task} has no attempt {self._asked}.",
                f"It has {len(detail.attempts)} so far; without an attempt the newest is followed.",
            )
        self._take_newest(detail)

    async def ready(self) -> LogId | None:
        """Waits until there is an attempt; None: the task run has ended without any."""
        if self._attempt is None:
            await self._wait_for_attempt()
        return self._log(self._attempt) if self._attempt is not None else None

    async def _wait_for_attempt(self) -> None:
        """Returns when there is an attempt, or the task run has ended without any."""
        path = self._path
        filter_ = Filter(frozenset({"taskrun.*"}), path.namespace, path.pipeline, path.run)
        after = self._services.database.last_seq
        if self._take_newest(await self._detail()):
            return
        async for events in self._services.bus.subscribe(filter_, after):
            mine = any(event.task == path.task for event in events)
            if mine and self._take_newest(await self._detail()):
                return

    def _take_newest(self, detail: TaskRunDetail) -> bool:
        """Whether it is clear now which attempt is meant, or that there will be none."""
        if self._attempt is None and detail.attempts:
            self._attempt = detail.attempts[-1].number
        return self._attempt is not None or detail.status.ended

    async def state(self) -> LogState:
        """Whether more can come."""
        try:
            found = self._of(await self._detail())
        except NotFound:
            return "expired"
        if found is None:
            return "expired"
        gone = (
            found.log_state == "complete" and found.log_bytes and not self._services.logs.has(self._log(found.number))
        )
        # Its file was removed by somebody: to the one who reads, that is the same.
        return "expired" if gone else found.log_state

    def _log(self, attempt: int) -> LogId:
        path = self._path
        return LogId(path.namespace, path.pipeline, path.run, path.task, attempt)

    def _of(self, detail: TaskRunDetail) -> Attempt | None:
        return next((attempt for attempt in detail.attempts if attempt.number == self._attempt), None)

    async def _detail(self) -> TaskRunDetail:
        path = self._path
        return await self._services.runs.task_run(path.namespace, path.pipeline, path.run, path.task)
