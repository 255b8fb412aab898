"""Going through a log from some place on, for the lines that match a pattern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gofer.models.log_search import Match
from gofer.server.logs.encode import character_end
from gofer.server.logs.file import LogFile
from gofer.server.logs.pattern import Pattern
from gofer.server.logs.piece import START, Piece, Place, head, plain, whole_lines
from gofer.server.logs.record import Mark, damaged

BLOCK = 64 * 1024
"""Bytes of the file in a step. A match that takes long takes long on these at most, then it can be given up."""

LONGEST = 256 * 1024
"""Bytes of a line that are searched as one; what is longer is searched in pieces of this size."""

_SHOWN = 2_000
_BEFORE = 200
_SPANS = 100
# Steps of a pattern that telling all of what matches in a line may take: with a hundredth of it, most patterns do.
_SPAN_STEPS = 4_000_000


class Hit(NamedTuple):
    """A line that matches; `line` as a reader sees it, and where in it the first match stands, from `begin` to before
    `end`. `record`: its header."""

    number: int
    record: bytes
    line: bytes
    begin: int
    end: int


class Progress(NamedTuple):
    """How far a log was looked at: `searched` lines of `total`. `behind`: there is more to look at; `ended`: no more
    will come, and all was."""

    searched: int
    total: int
    behind: bool
    ended: bool


class Scan:
    """Goes on from `place`, step by step. Blocks; used by one thread at a time."""

    def __init__(self, pattern: Pattern, stream: int, place: Place = START) -> None:
        self._pattern = pattern
        self._stream = stream
        self._last = 0
        self.place = place

    def step(self, file: LogFile, end: int, *, final: bool) -> Iterator[Hit] | None:
        """The hits of the next lines before the byte `end`; None: there are no more. Take them before the next.

        `final`: an unterminated last line is searched too; otherwise it waits for its rest. Raises DamagedLog.
        """
        size = BLOCK
        while self.place.offset < end:
            block = file.block(self.place.offset, end, size)
            is_last = self.place.offset + len(block) >= end
            lines = block if is_last and final else whole_lines(block)
            if not lines and not is_last and size < LONGEST:
                size = LONGEST
                continue
            if not block:
                raise damaged(self.place.offset)
            if not lines and is_last and len(block) < LONGEST:
                return None
            piece = plain(lines or block, self.place, self._stream)
            self.place = piece.after
            return self._hits(piece)
        return None

    def _hits(self, piece: Piece) -> Iterator[Hit]:
        text, at, row, counted = piece.text, 0, 0, 0
        while piece.numbers and (found := self._pattern.find(text, at)) is not None:
            row += text.count(b"\n", counted, found[0])
            counted = found[0]
            begin = text.rfind(b"\n", 0, found[0]) + 1
            end = text.find(b"\n", found[1])
            if piece.numbers[row] != self._last:
                self._last = piece.numbers[row]
                line = text[begin:] if end < 0 else text[begin:end]
                yield Hit(self._last, piece.heads[row], line, found[0] - begin, found[1] - begin)
            if end < 0:
                return
            at = end + 1


def place_of(mark: Mark) -> Place:
    """The place that a mark names."""
    return Place(mark.offset, mark.lines, mark.open)


def shown(hit: Hit, pattern: Pattern) -> Match:
    """A hit as it is shown."""
    line = hit.line
    begin = character_end(line, max(0, hit.begin - _BEFORE)) if len(line) > _SHOWN else 0
    end = character_end(line, begin + _SHOWN) if len(line) > begin + _SHOWN else len(line)
    time, stream = head(hit.record)
    spans = [(_units(line[begin:first]), _units(line[begin:last])) for first, last in _spans(hit, pattern, end)]
    return Match(hit.number, time, stream, _text(line[begin:end]), _units(line[:begin]), spans)


def _spans(hit: Hit, pattern: Pattern, end: int) -> Iterator[tuple[int, int]]:
    """What matches in the line, up to `end`; nothing that is empty. Of a pattern that is slow, only the first few."""
    found: tuple[int, int] | None = (hit.begin, hit.end)
    left = _SPAN_STEPS
    for _ in range(_SPANS):
        if found is None or found[0] >= end:
            return
        if found[0] < found[1]:
            yield found[0], min(found[1], end)
        at = max(found[1], found[0] + 1)
        left -= pattern.size * (end - at)
        if at >= end or left < 0:
            return
        found = pattern.find(hit.line, at, end)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _units(data: bytes) -> int:
    """UTF-16 code units, which are what a browser counts in."""
    return len(_text(data).encode("utf-16-le")) // 2
