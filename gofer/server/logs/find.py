"""Some matches from a line on, in either direction: as much as one request may cost."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from gofer.models.log_search import Match
from gofer.server.logs.file import LogFile
from gofer.server.logs.pattern import Pattern
from gofer.server.logs.record import Mark
from gofer.server.logs.scan import Hit, Scan, place_of, shown

_WINDOW = 1024 * 1024
"""Bytes that are searched at once when going backward."""


class Search(NamedTuple):
    """`first`: the line to begin with, negative: from the end. `last`: of a forward search, the last line of interest.
    `stream`: only its lines, or NEITHER."""

    pattern: Pattern
    stream: int
    first: int
    limit: int
    backward: bool = False
    last: int | None = None


class Budget:
    """What a request may cost: bytes of a log, and seconds."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._until = time.monotonic() + seconds

    def spend(self, size: int) -> bool:
        """Whether there is anything left after `size` more bytes."""
        self._size -= size
        return self._size > 0 and time.monotonic() < self._until


class Finding(NamedTuple):
    """`next_line`: where to go on in the same direction, None at the end."""

    matches: list[Match]
    next_line: int | None


def find(file: LogFile, search: Search, budget: Budget) -> Finding:
    """What `search` finds in an open log, in its order. Blocks. Raises DamagedLog."""
    if search.backward:
        return _backward(file, search, budget)
    mark = file.locate_first(search.first, search.stream)
    return _forward(file, search, budget, mark)


def _forward(file: LogFile, search: Search, budget: Budget, mark: Mark) -> Finding:
    scan = Scan(search.pattern, search.stream, place_of(mark))
    last = file.end.lines if search.last is None else min(search.last, file.end.lines)
    found: list[Match] = []
    before = mark.offset
    while (hits := scan.step(file, file.end.offset, final=True)) is not None:
        for hit in hits:
            if hit.number > last:
                return Finding(found, None)
            if len(found) == search.limit:
                return Finding(found, hit.number)
            found.append(shown(hit, search.pattern))
        if scan.place.lines > last or not budget.spend(scan.place.offset - before):
            return Finding(found, scan.place.lines + 1 if scan.place.lines < last else None)
        before = scan.place.offset
    return Finding(found, None)


def _backward(file: LogFile, search: Search, budget: Budget) -> Finding:
    total = file.end.lines
    first = search.first if search.first > 0 else total + search.first + 1
    stop = file.locate(max(first, 0) + 1) if first < total else file.end
    found: list[Match] = []
    while stop.offset > 0:
        start = file.before(max(0, stop.offset - _WINDOW))
        for hit in reversed(_window(file, search, budget, start, stop)):
            if len(found) == search.limit:
                return Finding(found, hit.number)
            found.append(shown(hit, search.pattern))
        if start.offset and not budget.spend(0):
            return Finding(found, start.lines)
        stop = start
    return Finding(found, None)


def _window(file: LogFile, search: Search, budget: Budget, start: Mark, stop: Mark) -> deque[Hit]:
    """The last matches between two marks, one more than the limit."""
    scan = Scan(search.pattern, search.stream, place_of(start))
    found: deque[Hit] = deque(maxlen=search.limit + 1)
    before = start.offset
    while (hits := scan.step(file, stop.offset, final=True)) is not None:
        found.extend(hits)
        if not budget.spend(scan.place.offset - before) and scan.place.offset - start.offset > 2 * _WINDOW:
            # Of a line that is longer than all that a request may cost, the rest is left out.
            break
        before = scan.place.offset
    return found
