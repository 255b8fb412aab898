"""The websocket on which the lines of one attempt come."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated

import msgspec
from starlette.websockets import WebSocket

from gofer.errors import NotFound, Unavailable
from gofer.models.log import LogEnd, Stream
from gofer.models.run import Attempt, LogState, TaskRunDetail
from gofer.server.api.endpoint import MAX_NUMBER, Call, Input, NoBody, Number, TaskPath
from gofer.server.events.bus import Filter
from gofer.server.logs.logs import LogId
from gofer.server.services import Services
from gofer.server.streams.session import serve_until_gone


class LogStreamQuery(Input, frozen=True):
    """`attempt`: absent, the newest one. `from`: the first line; -100 the last 100 lines and on, 0 only new ones.

    `stream`: only that one.
    """

    attempt: Number | None = None
    first: Annotated[int, msgspec.Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)] = msgspec.field(default=1, name="from")
    stream: Stream | None = None


async def logs_stream(call: Call[TaskPath, LogStreamQuery, NoBody], websocket: WebSocket) -> None:
    """Text frames: LogFrame as lines come, one LogEnd. Raises NotFound before it is accepted if there is no such log.

    Ends when the log does, or the client goes away; raises Unavailable when the server stops.
    """
    stream = LogStream(call.services, call.path, call.query)
    await stream.find()
    await websocket.accept()
    await serve_until_gone(websocket, stream.send(websocket))


class LogStream:
    """What one client wants to follow."""

    def __init__(self, services: Services, path: TaskPath, query: LogStreamQuery) -> None:
        self._services = services
        self._path = path
        self._query = query
        self._attempt = query.attempt

    async def find(self) -> None:
        """Find out which attempt is meant, if there is any yet. Raises NotFound."""
        detail = await self._detail()
        if self._query.attempt is not None and self._of(detail) is None:
            raise NotFound(
                f"The task run {self._path.task} has no attempt {self._query.attempt}.",
                f"It has {len(detail.attempts)} so far; without an attempt the newest is followed.",
            )
        self._take_newest(detail)

    async def send(self, websocket: WebSocket) -> None:
        """Everything, up to the LogEnd."""
        if self._attempt is None:
            await self._wait_for_attempt()
        if self._attempt is None:
            await websocket.send_text(msgspec.json.encode(LogEnd(state="complete", total=0)).decode())
            return
        query, log = self._query, self._log(self._attempt)
        last = ""
        async with aclosing(self._services.logs.follow(log, query.first, query.stream, self._state)) as frames:
            async for last in frames:
                await websocket.send_text(last)
        if not last.startswith('{"type":"end"'):
            raise Unavailable("Gofer is stopping.", "Connect again, from the line after the last one that came.")

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

    async def _state(self) -> LogState:
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
