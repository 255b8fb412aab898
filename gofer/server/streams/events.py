"""The websocket on which events come, from any number on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from starlette.websockets import WebSocket

from gofer.models.event import Event
from gofer.server.api.endpoint import Call, NoBody, NoPath
from gofer.server.api.events import FilterQuery, filter_of
from gofer.server.streams.session import serve_until_gone

# A frame stays small, whatever a reader has to catch up with.
_FRAME_EVENTS = 200

Pause = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class StreamQuery(FilterQuery, frozen=True, kw_only=True):
    """`pause`: how many milliseconds there are at least from one frame to the next. What happens in between comes
    together, which costs the server less."""

    pause: Pause = 0


class EventFrame(msgspec.Struct, kw_only=True, tag_field="type", tag="events"):
    """Some events, in order."""

    events: list[Event]


async def events_stream(call: Call[NoPath, StreamQuery, NoBody], websocket: WebSocket) -> None:
    """Text frames: EventFrame, without end. All events above `after` that match, none twice; without `after` only new
    ones. The client sends nothing."""
    found = call.services.bus.subscribe(filter_of(call.query, call.caller), call.query.after)
    await websocket.accept()
    await serve_until_gone(websocket, _send(websocket, found, call.query.pause / 1000))


async def _send(websocket: WebSocket, found: AsyncIterator[list[Event]], pause: float) -> None:
    encoder = msgspec.json.Encoder()
    async for events in found:
        for start in range(0, len(events), _FRAME_EVENTS):
            frame = EventFrame(events=events[start : start + _FRAME_EVENTS])
            await websocket.send_text(encoder.encode(frame).decode())
        if pause:
            # Readers who were woken by the same event do not stay together.
            await asyncio.sleep(random.uniform(pause, 1.5 * pause))  # noqa: S311
