"""The websocket on which the lines of the server's own log come."""

from __future__ import annotations

from contextlib import aclosing

import msgspec
from starlette.websockets import WebSocket

from gofer.models.own_log import OwnLogFrame
from gofer.server.api.endpoint import Call, NoBody, NoPath
from gofer.server.api.own_log import OwnLogFilter
from gofer.server.own_log_ring import Ring, Wanted
from gofer.server.streams.session import serve_until_gone


async def own_log_stream(call: Call[NoPath, OwnLogFilter, NoBody], websocket: WebSocket) -> None:
    """Text frames: OwnLogFrame, without end. Lines above `after` that are still in memory, then new ones; without
    `after` only new ones. The client sends nothing."""
    await websocket.accept()
    query = call.query
    await serve_until_gone(websocket, _send(websocket, call.services.own_log.ring, query.wanted, query.after))


async def _send(websocket: WebSocket, ring: Ring, wanted: Wanted, after: int | None) -> None:
    encoder = msgspec.json.Encoder()
    async with aclosing(ring.follow(wanted, after)) as found:
        async for lines, missed in found:
            await websocket.send_text(encoder.encode(OwnLogFrame(lines=lines, missed=missed)).decode())
