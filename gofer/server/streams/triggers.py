"""The websockets of triggers: that on which one dials in, and that on which its log is followed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from starlette.websockets import WebSocket

from gofer.models.trigger import TriggerLog, TriggerLogLine
from gofer.server.api.endpoint import Call, NoBody, NoQuery
from gofer.server.api.triggers import LogQuery, TriggerPath
from gofer.server.streams.session import serve_until_gone
from gofer.server.triggers.link import Link

_FRAME_LINES = 200


async def trigger_session(call: Call[TriggerPath, NoQuery, NoBody], websocket: WebSocket) -> None:
    """Binary frames as docs/trigger-protocol.md has them, both ways."""
    await websocket.accept()
    await call.services.triggers.supervisor.serve(call.path.trigger, Link(websocket))


async def trigger_log_stream(call: Call[TriggerPath, LogQuery, NoBody], websocket: WebSocket) -> None:
    """Text frames: TriggerLog, without end. First the newest `lines` behind `after`, then new ones. The client sends
    nothing."""
    triggers, at = call.services.triggers, call.path.trigger
    first = (await triggers.log(at, call.query.lines, call.query.after)).lines
    await websocket.accept()
    after = first[-1].number if first else call.query.after
    await serve_until_gone(websocket, _send(websocket, first, triggers.supervisor.logbook(at).follow(after)))


async def _send(websocket: WebSocket, first: list[TriggerLogLine], found: AsyncIterator[list[TriggerLogLine]]) -> None:
    encoder = msgspec.json.Encoder()

    async def send(lines: list[TriggerLogLine]) -> None:
        for start in range(0, len(lines), _FRAME_LINES):
            frame = TriggerLog(lines=lines[start : start + _FRAME_LINES])
            await websocket.send_text(encoder.encode(frame).decode())

    await send(first)
    async for lines in found:
        await send(lines)
