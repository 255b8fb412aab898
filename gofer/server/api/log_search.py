"""Searching logs, and the groups that they are made of."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec

from gofer.errors import NotFound
from gofer.models.log_search import GroupPage, MatchPage
from gofer.server.api import logs, runs
from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, Number, TaskPath
from gofer.server.api.logs import First, LogStream, choose
from gofer.server.logs.file import stream_number
from gofer.server.logs.find import Search
from gofer.server.logs.pattern import MAX_LENGTH, Pattern, compiled
from gofer.server.logs.thread import in_thread

SEARCH = logs.PAGE + "/search"
GROUPS = logs.PAGE + "/groups"
RUN_SEARCH = runs.ONE + "/logs/search"
MAX_MATCHES = 1_000


class PatternQuery(Input, frozen=True, kw_only=True):
    """`pattern` in the syntax of RE2, unless it is `literal`: `^` and `$` are the ends of a line.

    `stream`: only lines of that one.
    """

    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LENGTH)]
    literal: bool = False
    ignore_case: bool = False
    stream: LogStream | None = None


class SearchQuery(PatternQuery, frozen=True, kw_only=True):
    """`from`: the first line that may match, or the last if the search goes `backward`; negative: from the end.

    `to`: no line behind that one.
    """

    attempt: Number | None = None
    first: First = msgspec.field(name="from", default=1)
    last: Number | None = msgspec.field(name="to", default=None)
    backward: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_MATCHES)] = 100


class GroupsQuery(Input, frozen=True):
    """`attempt` absent: the newest."""

    attempt: Number | None = None


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=SEARCH,
            handler=_search,
            summary="Search a task run's log from any line, in either direction",
            tag=logs.TAG,
            permission="logs:read",
            errors=(410,),
        ),
        Endpoint(
            method="GET",
            path=GROUPS,
            handler=_groups,
            summary="Get the groups of a task run's log",
            tag=logs.TAG,
            permission="logs:read",
            errors=(410,),
        ),
    ]


async def pattern_of(query: PatternQuery) -> Pattern:
    """What is asked for. Raises InvalidInput."""
    work = partial(compiled, query.pattern, literal=query.literal, ignore_case=query.ignore_case)
    return await in_thread(work)


async def _search(call: Call[TaskPath, SearchQuery, NoBody]) -> MatchPage:
    query = call.query
    pattern = await pattern_of(query)
    chosen = await choose(call.services, call.path, query.attempt)
    search = Search(
        pattern, stream_number(query.stream), query.first or 1, query.limit, backward=query.backward, last=query.last
    )
    if chosen.attempt is not None:
        try:
            return await call.services.log_search.page(
                chosen.id, search, complete=chosen.complete, who=call.caller.scope
            )
        except NotFound:
            # Nothing was printed yet.
            pass
    return MatchPage(matches=[], next_line=None, total=0, complete=chosen.complete)


async def _groups(call: Call[TaskPath, GroupsQuery, NoBody]) -> GroupPage:
    chosen = await choose(call.services, call.path, call.query.attempt)
    if chosen.attempt is not None:
        try:
            return await call.services.log_search.groups(chosen.id, complete=chosen.complete, who=call.caller.scope)
        except NotFound:
            # Nothing was printed yet.
            pass
    return GroupPage(groups=[], more=False, searched=0, total=0, complete=chosen.complete)
