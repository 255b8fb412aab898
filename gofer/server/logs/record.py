"""The format of a log file: records of `time stream tag text`, one a line, as container runtimes write them.

`2026-11-21T13:36:22.123456789Z stdout F text`. The header before the text always has the same length. The tag `F`
stands for text that a newline followed, `P` for text that goes on in the stream's next record, `N` for a note of
Gofer's own. The texts of one stream put together, with a newline after each `F`, are exactly the bytes that came.

A line begins with every record, unless the record before it is a `P` of the same stream: that it goes on with. So a
line that another stream breaks into is shown as two, every line stands in one piece, and its number never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from gofer.errors import GoferError
from gofer.models.log import Stream

HEADER = 40
MAX_TEXT = 16 * 1024
"""The most text of a record, in bytes; a longer line is cut into `P` records."""

STDOUT, STDERR, NEITHER = 0, 1, 2
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")

# The end of a header, which says all but the time.
HEAD = slice(29, HEADER)
FULL = (b"Z stdout F ", b"Z stderr F ")
PART = (b"Z stdout P ", b"Z stderr P ")
_NOTE = b"Z stderr N "
_KINDS = {
    FULL[0]: (STDOUT, "F"),
    FULL[1]: (STDERR, "F"),
    PART[0]: (STDOUT, "P"),
    PART[1]: (STDERR, "P"),
    _NOTE: (STDERR, "N"),
}
_LAST_SECOND = 253_402_300_799


class DamagedLog(GoferError):
    """Something other than Gofer has changed a log file."""

    title = "Damaged log"


def damaged(offset: int) -> DamagedLog:
    """From that byte on."""
    return DamagedLog(f"The log file is damaged at byte {offset}.", "The raw download shows what is before it.")


class Mark(NamedTuple):
    """A place between two records, and what stands before it.

    `offset` in bytes of the file; the lines that begin before it and the bytes that came, by stream (a note is a line
    of stderr, but none of its bytes); `open`: the stream whose `P` record stands right before it, else `NEITHER`.
    """

    offset: int = 0
    stdout_lines: int = 0
    stderr_lines: int = 0
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    open: int = NEITHER

    @property
    def lines(self) -> int:
        return self.stdout_lines + self.stderr_lines

    def lines_of(self, stream: int) -> int:
        """Lines of `STDOUT` or of `STDERR`; `NEITHER` singles none out and gives those of both."""
        return self.lines if stream == NEITHER else self[1 + stream]


class Tally:
    """A mark that moves on, record by record or many at once."""

    def __init__(self, mark: Mark) -> None:
        self.offset = mark.offset
        self.lines = [mark.stdout_lines, mark.stderr_lines]
        self.bytes = [mark.stdout_bytes, mark.stderr_bytes]
        self.open = mark.open

    def mark(self) -> Mark:
        return Mark(self.offset, self.lines[0], self.lines[1], self.bytes[0], self.bytes[1], self.open)

    def full(self, stream: int, count: int, text: int) -> None:
        """`count` (one or more) `F` records of one stream with `text` bytes of text altogether."""
        self.lines[stream] += count - (self.open == stream)
        self.bytes[stream] += text + count
        self.offset += text + count * (HEADER + 1)
        self.open = NEITHER

    def part(self, stream: int, text: int) -> None:
        """One `P` record."""
        self.lines[stream] += self.open != stream
        self.bytes[stream] += text
        self.offset += text + HEADER + 1
        self.open = stream

    def note(self, text: int) -> None:
        """One `N` record."""
        self.lines[STDERR] += 1
        self.offset += text + HEADER + 1
        self.open = NEITHER

    def add(self, stream: int, tag: str, text: int) -> None:
        """One record of any kind."""
        if tag == "F":
            self.full(stream, 1, text)
        elif tag == "P":
            self.part(stream, text)
        else:
            self.note(text)


class Stamps:
    """Makes the header of a record; keeps the last second's text, as most records of a second share it."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def header(self, at: int, stream: int, tag: str) -> bytes:
        """`at` in nanoseconds since the Unix epoch; times that the format cannot show are moved to where it can."""
        second, nanosecond = divmod(at, 1_000_000_000)
        second = min(max(second, 0), _LAST_SECOND)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        return b"%s.%09dZ %s %s " % (self._text, nanosecond, STREAMS[stream].encode(), tag.encode())


def kind(record: bytes) -> tuple[int, str] | None:
    """Stream and tag of a record (without its newline), None if it is no record."""
    return _KINDS.get(record[HEAD])


def advance(mark: Mark, block: bytes) -> Mark:
    """`mark` moved over `block`, which begins there; stops before the first thing that is no whole record."""
    tally = Tally(mark)
    records = block.split(b"\n")
    records.pop()
    heads = [record[HEAD] for record in records]
    counts = (heads.count(FULL[0]), heads.count(FULL[1]))
    if records and counts[STDOUT] + counts[STDERR] == len(records):
        _advance_full(tally, records, heads, counts)
        return tally.mark()
    for record in records:
        found = kind(record)
        if found is None:
            break
        tally.add(*found, len(record) - HEADER)
    return tally.mark()


def _advance_full(tally: Tally, records: list[bytes], heads: list[bytes], counts: tuple[int, int]) -> None:
    """Many `F` records at once. Their order counts only for the first, which may go on with an open line."""
    total = sum(map(len, records)) - HEADER * len(records)
    if not counts[STDERR] or not counts[STDOUT]:
        tally.full(STDERR if counts[STDERR] else STDOUT, len(records), total)
        return
    stderr = sum(len(record) - HEADER for record, head in zip(records, heads, strict=True) if head == FULL[STDERR])
    order = (STDERR, STDOUT) if heads[0] == FULL[STDERR] else (STDOUT, STDERR)
    for stream in order:
        tally.full(stream, counts[stream], stderr if stream == STDERR else total - stderr)


def whole(mark: Mark, block: bytes) -> Mark:
    """`mark` moved over all of `block`. Raises DamagedLog if that is not made of whole records, or empty."""
    after = advance(mark, block)
    if not block or after.offset != mark.offset + len(block):
        raise damaged(after.offset)
    return after


def walk(mark: Mark, block: bytes) -> Iterator[tuple[Mark, bytes]]:
    """The whole records of `block`, which begins at `mark`, each with the mark before it."""
    tally = Tally(mark)
    for record in block.split(b"\n")[:-1]:
        found = kind(record)
        if found is None:
            return
        yield tally.mark(), record
        tally.add(*found, len(record) - HEADER)


def begins_line(mark: Mark, record: bytes) -> bool:
    """Whether the record that stands at `mark` is the beginning of a line."""
    found = kind(record)
    return found is None or found[1] == "N" or found[0] != mark.open
