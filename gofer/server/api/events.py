"""Events: what happened, listed. The stream of them is in `streams/events`."""

from __future__ import annotations

import sqlite3
from typing import Annotated

import msgspec

from gofer.errors import InvalidInput, Problem
from gofer.models.event import Event, Kind
from gofer.models.ids import shown
from gofer.models.page import DEFAULT_LIMIT, Page
from gofer.server.api import paging
from gofer.server.api.endpoint import MAX_NUMBER, Call, Cursor, Endpoint, Id, Input, Limit, NoBody, NoPath, Number
from gofer.server.api.event_sight import narrowed
from gofer.server.auth.caller import Caller
from gofer.server.nearest import Nearest
from gofer.server.store import events
from gofer.server.store.event_filter import AUDIT, Filter
from gofer.server.store.events import EventPage

ALL = "/api/v1/events"
TAG = "events"

# One look of the store is bounded, so a filter that seldom matches takes some; after these the client asks again.
_LOOKS = 10

KindName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Author = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]


class FilterQuery(Input, frozen=True, kw_only=True):
    """`kind` may be given several times: a kind (`run.ended`) or all of a noun (`run.*`). `after`: events with a higher
    number only. `audit`: audit events alone, which otherwise come only where `kind` names them; `by`: those of one
    caller."""

    kind: list[KindName] = msgspec.field(default_factory=list)
    audit: bool = False
    by: Author | None = None
    namespace: Id | None = None
    pipeline: Id | None = None
    run: Number | None = None
    after: Seq | None = None


class EventsQuery(FilterQuery, frozen=True, kw_only=True):
    """`before`: events with a lower number only."""

    paged = True

    before: Seq | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT
    newest_first: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List events, oldest first",
            tag=TAG,
            permission="events:read",
            filtered=True,
        )
    ]


def filter_of(query: FilterQuery, caller: Caller) -> Filter:
    """The filter that a query describes, narrowed to what the caller may see.

    Raises InvalidInput for kinds that do not exist or do not go together, Refused for what the caller may not see at
    all.
    """
    problems = [problem for kind in query.kind if (problem := _problem(kind)) is not None]
    if problems:
        raise InvalidInput(problems[0].message, problems[0].hint, problems)
    kinds = frozenset(query.kind)
    if query.audit or query.by is not None:
        if not all(kind.startswith(AUDIT) for kind in kinds):
            raise InvalidInput("Other kinds are no audit events.", "Leave out audit and by, or those kinds.")
        kinds = kinds or frozenset({f"{AUDIT}*"})
    # A token may be named by its id alone.
    by = f"token {query.by}" if query.by and query.by.startswith("tok-") else query.by or ""
    return narrowed(Filter(kinds, query.namespace or "", query.pipeline or "", query.run, by), caller)


def _problem(kind: str) -> Problem | None:
    known = [*Kind, *sorted({each.partition(".")[0] + ".*" for each in Kind})]
    if kind in known:
        return None
    hint = Nearest(known).hint(kind) or "docs/events.md lists them."
    return Problem(place="query.kind", message=f"There is no event kind {shown(kind)}.", hint=hint)


async def _list(call: Call[NoPath, EventsQuery, NoBody]) -> Page[Event]:
    query = call.query
    order = "events newest first" if query.newest_first else "events"
    position = paging.number(order, query.cursor)
    wanted = filter_of(query, call.caller)

    def look(connection: sqlite3.Connection) -> EventPage:
        if not query.newest_first:
            start = max(query.after or 0, position or 0)
            return _below(events.list_after(connection, wanted, start, query.limit), query.before)
        upto = events.LAST if query.before is None else query.before
        before = upto if position is None else min(upto, position)
        return _above(events.list_before(connection, wanted, before, query.limit), query.after)

    for _ in range(_LOOKS):
        found = await call.services.database.read(look)
        position = found.next
        if found.items or position is None:
            break
    return Page(items=found.items, next=None if found.next is None else paging.seal(order, found.next))


def _above(found: EventPage, after: int | None) -> EventPage:
    """What of a page, newest first, lies above `after`; there it ends."""
    if after is None or (found.next or 0) > after + 1:
        return found
    return EventPage([event for event in found.items if event.seq > after], None)


def _below(found: EventPage, before: int | None) -> EventPage:
    """What of a page, oldest first, lies below `before`; there it ends."""
    if before is None or (found.next or before) < before - 1:
        return found
    return EventPage([event for event in found.items if event.seq < before], None)
