"""Searching logs, whole or from a line on, and telling what groups they have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import NamedTuple, Protocol

from gofer.errors import NotFound
from gofer.models.log import Stream
from gofer.models.log_search import GroupPage, GroupsFrame, Match, MatchesFrame, MatchPage, SearchEnd
from gofer.models.run import LogState
from gofer.server.logs import groups
from gofer.server.logs.feed import Feed
from gofer.server.logs.file import LogFile, stream_number
from gofer.server.logs.find import Budget, Search, find
from gofer.server.logs.follow import more
from gofer.server.logs.groups import Groups
from gofer.server.logs.logs import LogId, Logs
from gofer.server.logs.pattern import Pattern
from gofer.server.logs.record import NEITHER
from gofer.server.logs.scan import Hit, Progress, Scan, shown
from gofer.server.logs.thread import in_thread
from gofer.server.logs.turns import Turns

MAX_MATCHES = 100_000
"""Lines that a search counts; then it ends."""

PAGE_BYTES = 64 * 1024 * 1024
PAGE_SECONDS = 1.0
"""What one request for a page may search."""

_SEARCH_SECONDS = 120.0
_AT_ONCE = 2
_TURN_SECONDS = 0.1
_PAUSE = 0.1

State = Callable[[], Awaitable[LogState]]


class Wanted(NamedTuple):
    """What a search is for. `shown`: how many matches come with their text. `listed`: whether the numbers of all
    lines that match come."""

    pattern: Pattern
    stream: Stream | None = None
    shown: int = 0
    listed: bool = True


class _Reader(Protocol):
    """What is done with the lines that a scan finds. `take` gives whether it wants more; `full`: it does not."""

    full: bool

    def take(self, hit: Hit) -> bool: ...

    def frame(self, so_far: Progress) -> MatchesFrame | GroupsFrame | None: ...


class LogSearch:
    """Two threads at most search at a time, each for a moment: many searches take turns, and none holds up runs.

    `who` searches: those of each take turns with those of everybody else.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._turns = Turns(_AT_ONCE)

    async def page(self, log: LogId, search: Search, *, complete: bool, who: str = "") -> MatchPage:
        """The next matches from a line on, in either direction; as far as one request may go.

        `complete`: what to put into the page. Raises NotFound if there is no file, DamagedLog.
        """
        file = await self._logs.file(log)
        try:
            async with self._turns.turn(who):
                budget = Budget(PAGE_BYTES, PAGE_SECONDS)
                found = await in_thread(partial(find, file, search, budget))
        finally:
            file.close()
        return MatchPage(matches=found.matches, next_line=found.next_line, total=file.end.lines, complete=complete)

    async def follow(
        self, log: LogId, wanted: Wanted, state: State, *, who: str = ""
    ) -> AsyncGenerator[MatchesFrame | SearchEnd, None]:
        """What the whole log has, then what comes, until the log is complete; the last is a SearchEnd.

        The first frame after all that there is was searched says so, even if nothing was found. `state` as in
        `Logs.follow`. Works before the file exists. Ends without a SearchEnd when the server stops. Raises DamagedLog.
        """
        reader = _Matches(log, wanted)
        scan = Scan(wanted.pattern, stream_number(wanted.stream))
        async with aclosing(self._pursue(log, scan, reader, state, who)) as frames:
            async for frame in frames:
                if not isinstance(frame, GroupsFrame):
                    yield frame

    async def groups(self, log: LogId, *, complete: bool, who: str = "") -> GroupPage:
        """The groups of a log. Raises NotFound if there is no file, DamagedLog."""
        file = await self._logs.file(log)
        try:
            async with self._turns.turn(who):
                return await in_thread(partial(_groups, file, complete))
        finally:
            file.close()

    async def follow_groups(
        self, log: LogId, state: State, *, who: str = ""
    ) -> AsyncGenerator[GroupsFrame | SearchEnd, None]:
        """As `follow`: the groups that there are, then those that begin or end."""
        scan = Scan(groups.markers(), NEITHER)
        async with aclosing(self._pursue(log, scan, Groups(), state, who)) as frames:
            async for frame in frames:
                if not isinstance(frame, MatchesFrame):
                    yield frame

    async def _pursue(
        self, log: LogId, scan: Scan, reader: _Reader, state: State, who: str
    ) -> AsyncGenerator[MatchesFrame | GroupsFrame | SearchEnd, None]:
        async with self._logs.joined(log) as feed:
            pursuit = _Pursuit(feed, scan, reader)
            try:
                while not (feed.closed or feed.expired or pursuit.over()):
                    if pursuit.behind():
                        if await self._turn(log, pursuit, who) and (frame := pursuit.frame()) is not None:
                            yield frame
                        if not pursuit.behind() and feed.live:
                            # So that who prints without pause makes a few frames a second, and not one for each line.
                            await asyncio.sleep(_PAUSE)
                    elif pursuit.final:
                        if (frame := pursuit.frame()) is not None:
                            yield frame
                        break
                    elif feed.finished or not await more(feed, state):
                        pursuit.finish()
            finally:
                pursuit.close()
            if not feed.closed:
                yield SearchEnd(state="expired" if feed.expired else "limit" if pursuit.over() else "complete")

    async def _turn(self, log: LogId, pursuit: _Pursuit, who: str) -> bool:
        """Search for a moment. False: the file has gone."""
        async with self._turns.turn(who):
            try:
                pursuit.file = pursuit.file or await self._logs.file(log)
            except NotFound:
                pursuit.feed.expire()
                return False
            await in_thread(partial(pursuit.turn, pursuit.feed.end.offset))
        return True


class _Pursuit:
    """How far a search has come in a log that may grow. `final`: nothing more will come."""

    def __init__(self, feed: Feed, scan: Scan, reader: _Reader) -> None:
        self._scan = scan
        self._reader = reader
        self._left = _SEARCH_SECONDS
        self._seen = 0
        self.feed = feed
        self.final = False
        self.file: LogFile | None = None

    def behind(self) -> bool:
        """Whether there is anything to search."""
        return self._seen < self.feed.end.offset

    def over(self) -> bool:
        """Whether the search has come to its limit."""
        return self._reader.full or self._left <= 0

    def finish(self) -> None:
        """Nothing more will come: an unterminated last line has waited for its rest in vain."""
        self.final = True
        self._seen = self._scan.place.offset

    def turn(self, end: int) -> None:
        """Search for a moment, towards the byte `end`."""
        file, began, passed = self.file, time.monotonic(), 0.0
        assert file is not None
        while passed < _TURN_SECONDS and not self.over():
            hits = self._scan.step(file, end, final=self.final)
            passed = time.monotonic() - began
            if hits is None:
                self._seen = end
                break
            for hit in hits:
                if not self._reader.take(hit):
                    break
        self._left -= passed

    def frame(self) -> MatchesFrame | GroupsFrame | None:
        """What to tell now."""
        behind, place = self.behind(), self._scan.place
        return self._reader.frame(Progress(place.lines, self.feed.end.lines, behind, self.final and not behind))

    def close(self) -> None:
        """Close what it has opened."""
        if self.file is not None:
            self.file.close()


class _Matches:
    """Counts what a search finds, and keeps what was not told yet."""

    def __init__(self, log: LogId, wanted: Wanted) -> None:
        self._log = log
        self._wanted = wanted
        self._count = 0
        self._lines: list[int] = []
        self._matches: list[Match] = []
        self._told = (-1, -1)
        self._was_behind = True
        self.full = False

    def take(self, hit: Hit) -> bool:
        if self._count == MAX_MATCHES:
            self.full = True
            return False
        self._count += 1
        if self._wanted.listed:
            self._lines.append(hit.number)
        if self._count <= self._wanted.shown:
            self._matches.append(shown(hit, self._wanted.pattern))
        return True

    def frame(self, so_far: Progress) -> MatchesFrame | None:
        """None: there is nothing new. How far it has come is news while there is more to search, when there is
        no more, and in the end."""
        told, self._told = self._told, (self._count, so_far.searched)
        was_behind, self._was_behind = self._was_behind, so_far.behind
        is_news = so_far.behind or was_behind or (so_far.ended and told != self._told)
        if told[0] == self._count and not is_news:
            return None
        lines, self._lines = self._lines, []
        matches, self._matches = self._matches, []
        return MatchesFrame(
            task=self._log.task,
            attempt=self._log.attempt,
            lines=lines,
            matches=matches,
            count=self._count,
            searched=so_far.searched,
            total=so_far.total,
        )


def _groups(file: LogFile, complete: bool) -> GroupPage:
    budget, found = Budget(4 * PAGE_BYTES, 4 * PAGE_SECONDS), Groups()
    scan = Scan(groups.markers(), NEITHER)
    ended = False
    while not found.full:
        before = scan.place.offset
        hits = scan.step(file, file.end.offset, final=complete)
        if hits is None:
            found.settle()
            ended = True
            break
        for hit in hits:
            found.take(hit)
        if not budget.spend(scan.place.offset - before):
            break
    return GroupPage(
        groups=found.found,
        more=not ended,
        searched=scan.place.lines,
        total=file.end.lines,
        complete=complete,
    )
