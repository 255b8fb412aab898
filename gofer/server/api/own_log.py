"""The server's own log, as far as it is in memory. The stream of it is in `streams/own_log`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.own_log import Level, OwnLogLine
from gofer.models.page import DEFAULT_LIMIT, Page
from gofer.server.api import paging
from gofer.server.api.endpoint import MAX_NUMBER, Call, Cursor, Endpoint, Input, Limit, NoBody, NoPath
from gofer.server.own_log_ring import Wanted

ALL = "/api/v1/system/logs"
TAG = "system"

Whole = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OwnLogFilter(Input, frozen=True, kw_only=True):
    """`level`: of that one and graver ones. `since`: milliseconds since the Unix epoch. `contains`: text that stands
    anywhere in a line, in small letters or large. `after`: lines with a higher number only."""

    level: Level = "debug"
    since: Whole = 0
    contains: Text | None = None
    after: Whole | None = None

    @property
    def wanted(self) -> Wanted:
        """As the log understands it."""
        return Wanted(self.level, self.since, self.contains or "")


class OwnLogQuery(OwnLogFilter, frozen=True, kw_only=True):
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT
    newest_first: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    summary = "List the newest lines of the server's own log, oldest first"
    return [Endpoint(method="GET", path=ALL, handler=_list, summary=summary, tag=TAG, permission="system:read")]


async def _list(call: Call[NoPath, OwnLogQuery, NoBody]) -> Page[OwnLogLine]:
    query, ring = call.query, call.services.own_log.ring
    order = "own log newest first" if query.newest_first else "own log"
    position = paging.number(order, query.cursor)
    if query.newest_first:
        found = ring.newest_first(query.wanted, MAX_NUMBER if position is None else position, query.limit)
        lines = [line for line in found.lines if line.number > (query.after or 0)]
        following = found.next if len(lines) == len(found.lines) else None
    else:
        found = ring.oldest_first(query.wanted, max(query.after or 0, position or 0), query.limit)
        lines, following = found.lines, found.next
    return Page(items=lines, next=None if following is None else paging.seal(order, following))
