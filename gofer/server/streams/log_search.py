"""The websockets on which comes what a search finds, in one log or in all logs of a run, and the groups of a log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec
from starlette.websockets import WebSocket

from gofer.errors import Unavailable
from gofer.models.log_search import GroupsFrame, MatchesFrame, SearchEnd
from gofer.server.api.endpoint import Call, NoBody, Number, TaskPath
from gofer.server.api.log_search import GroupsQuery, PatternQuery, pattern_of
from gofer.server.logs.search import Wanted
from gofer.server.streams.log_source import LogSource
from gofer.server.streams.session import serve_until_gone

MAX_SHOWN = 1_000

Shown = Annotated[int, msgspec.Meta(ge=0, le=MAX_SHOWN)]
Frames = AsyncGenerator[MatchesFrame | SearchEnd, None] | AsyncGenerator[GroupsFrame | SearchEnd, None]


class LogSearchQuery(PatternQuery, frozen=True, kw_only=True):
    """`attempt` absent: the newest one. `shown`: how many matches come with their text."""

    attempt: Number | None = None
    shown: Shown = 0


async def log_search_stream(call: Call[TaskPath, LogSearchQuery, NoBody], websocket: WebSocket) -> None:
    """Text frames: MatchesFrame as lines are found and as lines come, one SearchEnd.

    Raises InvalidInput and NotFound before it is accepted. Ends when the log does, or the client goes away; raises
    Unavailable when the server stops.
    """
    query = call.query
    wanted = Wanted(await pattern_of(query), query.stream, query.shown)
    source = LogSource(call.services, call.path, query.attempt)
    await source.find()
    await websocket.accept()
    await serve_until_gone(websocket, _search(call, source, wanted, websocket))


async def log_groups_stream(call: Call[TaskPath, GroupsQuery, NoBody], websocket: WebSocket) -> None:
    """Text frames: GroupsFrame with the groups that there are, and as groups begin and end; one SearchEnd.

    Raises and ends as `log_search_stream`.
    """
    source = LogSource(call.services, call.path, call.query.attempt)
    await source.find()
    await websocket.accept()
    await serve_until_gone(websocket, _groups(call, source, websocket))


async def _search(
    call: Call[TaskPath, LogSearchQuery, NoBody], source: LogSource, wanted: Wanted, websocket: WebSocket
) -> None:
    log = await source.ready()
    search, who = call.services.log_search, call.caller.scope
    await _send(None if log is None else search.follow(log, wanted, source.state, who=who), websocket)


async def _groups(call: Call[TaskPath, GroupsQuery, NoBody], source: LogSource, websocket: WebSocket) -> None:
    log = await source.ready()
    search, who = call.services.log_search, call.caller.scope
    await _send(None if log is None else search.follow_groups(log, source.state, who=who), websocket)


async def _send(found: Frames | None, websocket: WebSocket) -> None:
    """Every frame; of a log that there will never be, only the last."""
    frame: MatchesFrame | GroupsFrame | SearchEnd | None = None
    if found is None:
        await websocket.send_text(encoded(SearchEnd(state="complete")))
        return
    async with aclosing(found) as frames:
        async for frame in frames:
            await websocket.send_text(encoded(frame))
            await asyncio.sleep(0)
    if not isinstance(frame, SearchEnd):
        raise Unavailable("Gofer is stopping.", "Search again when it is back.")


def encoded(frame: MatchesFrame | GroupsFrame | SearchEnd) -> str:
    """A frame as it is sent."""
    return msgspec.json.encode(frame).decode()
