"""The newest lines of the server's own log, in memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import NamedTuple

from gofer.models.own_log import LEVELS, Level, OwnLogLine

_MOST_LINES = 5_000
_MOST_BYTES = 4 * 1024 * 1024
_OVERHEAD = 200
_BATCH = 500
# Lines come in bursts: a follower takes a burst as one.
_PAUSE = 0.05


@dataclass(frozen=True)
class Wanted:
    """Which lines: of this level and graver ones, from a time on (milliseconds), with a text anywhere in them."""

    level: Level = "debug"
    since: int = 0
    contains: str = ""
    _levels: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_levels", frozenset(LEVELS[LEVELS.index(self.level) :]))

    def matches(self, line: OwnLogLine) -> bool:
        if line.level not in self._levels or line.at < self.since:
            return False
        text = self.contains.casefold()
        return not text or any(text in one.casefold() for one in (line.event, line.logger, *line.fields.values()))


class Found(NamedTuple):
    """`next` is the number to go on from in the same direction, None at the end."""

    lines: list[OwnLogLine]
    next: int | None


class Missed(NamedTuple):
    """`missed` lines were forgotten before these."""

    lines: list[OwnLogLine]
    missed: int


class Ring:
    """At most 5,000 lines and 4 MiB; the oldest goes first. Lines may be added in any thread."""

    def __init__(self, most_lines: int = _MOST_LINES, most_bytes: int = _MOST_BYTES) -> None:
        self._most_lines = most_lines
        self._most_bytes = most_bytes
        self._lines: deque[OwnLogLine] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        # Above every number of an earlier life, unless that wrote more than a thousand lines a second for all of it.
        self._last = time.time_ns() // 1_000_000
        self._first = self._last + 1
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def add(self, at: int, level: Level, logger: str, event: str, fields: dict[str, str]) -> OwnLogLine:
        """Keep a line, and wake who follows; returns it with its number."""
        with self._lock:
            self._last += 1
            line = OwnLogLine(number=self._last, at=at, level=level, logger=logger, event=event, fields=fields)
            self._lines.append(line)
            self._bytes += _size(line)
            while len(self._lines) > self._most_lines or (self._bytes > self._most_bytes and len(self._lines) > 1):
                self._bytes -= _size(self._lines.popleft())
            waiting = list(self._waiting)
        for loop, event_ in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event_.set)
        return line

    @property
    def last(self) -> int:
        """The number of the newest line that ever was, or that before the first."""
        return self._last

    def oldest_first(self, wanted: Wanted, after: int, limit: int) -> Found:
        """At most `limit` lines with a number above `after`."""
        lines = self._copy(after)
        found = [line for line in lines if wanted.matches(line)]
        return Found(found[:limit], found[limit - 1].number if len(found) > limit else None)

    def newest_first(self, wanted: Wanted, before: int, limit: int) -> Found:
        """At most `limit` lines with a number below `before`."""
        lines = self._copy(0)
        found = [line for line in reversed(lines) if line.number < before and wanted.matches(line)]
        return Found(found[:limit], found[limit - 1].number if len(found) > limit else None)

    async def follow(self, wanted: Wanted, after: int | None) -> AsyncGenerator[Missed, None]:
        """Lines above `after` (None: new ones only) as they come, without end.

        A number from the future, as a clock that was set back leaves them, counts as none: everything is given.
        """
        position = self._last if after is None else after if after <= self._last else 0
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        me = (loop, woken)
        with self._lock:
            self._waiting.add(me)
        try:
            while True:
                woken.clear()
                lines = self._copy(position)
                missed = lines[0].number - max(position + 1, self._first) if lines else 0
                for start in range(0, len(lines), _BATCH):
                    some = [line for line in lines[start : start + _BATCH] if wanted.matches(line)]
                    if some or missed:
                        yield Missed(some, missed)
                    missed = 0
                position = lines[-1].number if lines else position
                await woken.wait()
                await asyncio.sleep(_PAUSE)
        finally:
            with self._lock:
                self._waiting.discard(me)

    def _copy(self, after: int) -> list[OwnLogLine]:
        with self._lock:
            if not self._lines or self._lines[-1].number <= after:
                return []
            # Numbers have no gaps.
            return list(self._lines)[max(0, after + 1 - self._lines[0].number) :]


def _size(line: OwnLogLine) -> int:
    return _OVERHEAD + len(line.event) + sum(len(name) + len(value) for name, value in line.fields.items())
