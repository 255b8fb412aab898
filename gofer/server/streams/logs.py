"""The websocket on which the lines of one attempt come."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated

import msgspec
from starlette.websockets import WebSocket

from gofer.errors import Unavailable
from gofer.models.log import LogEnd, Stream
from gofer.server.api.endpoint import MAX_NUMBER, Call, Input, NoBody, Number, TaskPath
from gofer.server.services import Services
from gofer.server.streams.log_source import LogSource
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
    source = LogSource(call.services, call.path, call.query.attempt)
    await source.find()
    await websocket.accept()
    await serve_until_gone(websocket, _send(call.services, source, call.query, websocket))


async def _send(services: Services, source: LogSource, query: LogStreamQuery, websocket: WebSocket) -> None:
    """Everything, up to the LogEnd."""
    log = await source.ready()
    if log is None:
        await websocket.send_text(msgspec.json.encode(LogEnd(state="complete", total=0)).decode())
        return
    last = ""
    async with aclosing(services.logs.follow(log, query.first, query.stream, source.state)) as frames:
        async for last in frames:
            await websocket.send_text(last)
    if not last.startswith('{"type":"end"'):
        raise Unavailable("Gofer is stopping.", "Connect again, from the line after the last one that came.")
