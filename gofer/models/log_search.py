"""What a search of a log finds, and the groups that a log is made of, on the wire."""

from __future__ import annotations

from typing import Literal

import msgspec

from gofer.models.log import Stream


class Match(msgspec.Struct, array_like=True):
    """One line that matches: `[number, time, stream, text, start, spans]`.

    `number`, `time` and `stream` as of a line of the log. `text` is the line without terminal escape sequences, of a
    long one the part around the first match, which begins `start` characters into the line. `spans` are what matched,
    as `[from, to]` in `text`. Characters are counted as UTF-16 code units, as browsers do.
    """

    number: int
    time: str
    stream: Stream
    text: str
    start: int
    spans: list[tuple[int, int]]


class MatchPage(msgspec.Struct, kw_only=True):
    """Some matches in the order of the search. `next_line`: where to go on in the same direction, null at the end.

    A page may end before it has `limit` matches, or any: a request searches only so much. `total` is how many lines
    the log has now, `complete` that no more can come.
    """

    matches: list[Match]
    next_line: int | None
    total: int
    complete: bool


class MatchesFrame(msgspec.Struct, kw_only=True, tag_field="type", tag="matches"):
    """A websocket frame: what was found in one log since the frame before it.

    `lines` are numbers of lines that match, `matches` the first few of them with their text. `count` is how many
    lines match so far, `searched` how many were looked at, of `total` that there are.
    """

    task: str
    attempt: int
    lines: list[int] = []
    matches: list[Match] = []
    count: int
    searched: int
    total: int


class SearchEnd(msgspec.Struct, kw_only=True, tag_field="type", tag="end"):
    """The last frame. `state`: all is `complete` and searched; the log was `expired`; or the search came to its
    `limit`: of matches, or of the time that one search may take."""

    state: Literal["complete", "expired", "limit"]


GroupKind = Literal["group", "section"]


class LogGroup(msgspec.Struct, kw_only=True):
    """Lines that belong together: `::group::name` to `::endgroup::`, or a section from `--- name` to the next one.

    `first` is the line of its marker, `last` the last line in it, null while it is open: a group that is never closed
    goes to the end of the log. `began_at` and `ended_at` are the times of the two ends, RFC 3339. `depth` counts the
    groups around it. `expanded`: the log asks for it to be shown open (`+++ name`, or `^^^ +++` in it). `errors`
    counts the `::error` lines in it.
    """

    first: int
    last: int | None = None
    name: str
    kind: GroupKind
    depth: int
    expanded: bool = False
    errors: int = 0
    began_at: str
    ended_at: str | None = None


class GroupPage(msgspec.Struct, kw_only=True):
    """The groups of a log, in order of their first lines. `more`: there are more than these, or not all of the log was
    looked at; `searched` lines were, of `total`. `complete`: no more can come."""

    groups: list[LogGroup]
    more: bool
    searched: int
    total: int
    complete: bool


class GroupsFrame(msgspec.Struct, kw_only=True, tag_field="type", tag="groups"):
    """A websocket frame: groups that are new or have changed since the frame before it; `first` tells them apart.

    `searched`: how many lines were looked at, of `total`.
    """

    groups: list[LogGroup]
    searched: int
    total: int
