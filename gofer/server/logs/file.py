"""Reading a log file: how far it goes, and where a line stands in it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gofer.models.log import Stream
from gofer.server.logs import index
from gofer.server.logs.index import Index
from gofer.server.logs.record import NEITHER, STREAMS, Mark, advance, begins_line, walk, whole

BLOCK = 128 * 1024
"""How much is read at once, in bytes; several of the longest records."""

_GAP = 16 * index.SPACING
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class LogFile:
    """An open log file. Every method may block; any number may be open beside the one that writes.

    `open` raises FileNotFoundError. `end` is how far it may be read: unless the writer said so, the end of the last
    whole record. What is deleted while open can be read to its end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self.end = Mark()

    def open(self, end: Mark | None = None) -> None:
        """`end`: how far to read, if the caller knows; otherwise it is found out."""
        self._fd = os.open(self._path, _OPEN)
        try:
            self.end = self.measure() if end is None else end
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def fileno(self) -> int:
        return self._fd

    def size(self) -> int:
        """Of the file now, in bytes, whole records or not."""
        return os.fstat(self._fd).st_size

    def measure(self) -> Mark:
        """The end of the last whole record now. Completes an index that is missing, torn or far behind."""
        size = self.size()
        fd = self._open_index()
        try:
            last, count = Index(self._fd, fd, size).last()
        finally:
            _close(fd)
        found = list(self.marks(last, size))
        if size - last.offset > _GAP:
            self._complete_index(found, count)
        return found[-1] if found else last

    def marks(self, mark: Mark, end: int) -> Iterator[Mark]:
        """Go from `mark` towards `end` block by block, up to the first thing that is no whole record."""
        while mark.offset < end:
            block = self.block(mark.offset, end, index.SPACING)
            after = advance(mark, block)
            if after.offset > mark.offset:
                yield after
            if after.offset != mark.offset + len(block) or not block:
                return
            mark = after

    def block(self, offset: int, end: int, size: int = BLOCK) -> bytes:
        """The whole records from `offset` on, at most `size` bytes of them and none past `end`."""
        data = os.pread(self._fd, min(size, end - offset), offset)
        return data[: data.rfind(b"\n") + 1]

    def block_if_cached(self, offset: int, end: int, size: int = BLOCK) -> bytes | None:
        """As `block`, but None rather than wait for a disk."""
        data = bytearray(min(size, end - offset))
        try:
            count = os.preadv(self._fd, [data], offset, os.RWF_NOWAIT)
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:  # a file system in memory: it has no disk to wait for
                return self.block(offset, end, size)
            if error.errno == errno.EAGAIN:
                return None
            raise
        return bytes(memoryview(data)[: data.rfind(b"\n", 0, count) + 1]) if count == len(data) else None

    def locate(self, line: int, stream: int = NEITHER) -> Mark:
        """Where the given line begins, counted from 1; `end` if there are not so many. `stream`: count only its."""
        mark = self._indexed(line, stream)
        if mark.lines == line - 1 and mark.open == stream == NEITHER:
            return mark
        while mark.offset < self.end.offset:
            block = self.block(mark.offset, self.end.offset)
            after = whole(mark, block)
            if after.lines_of(stream) >= line:
                return _begin(mark, block, line, stream)
            mark = after
        return self.end

    def locate_first(self, first: int, stream: int = NEITHER) -> Mark:
        """As `locate`, but a negative `first` counts from the end: -100 is the first of the last 100 lines.

        A positive one counts lines of both streams, a negative one those of `stream`.
        """
        if first > 0:
            return self.locate(first)
        return self.locate(max(1, self.end.lines_of(stream) + first + 1), stream)

    def before(self, offset: int) -> Mark:
        """Where a line begins, at or before `offset` bytes: near it, unless that line or the index is at fault."""
        fd = self._open_index()
        try:
            mark = Index(self._fd, fd, self.end.offset).before(min(offset, self.end.offset)) or Mark()
        finally:
            _close(fd)
        return mark if mark.open == NEITHER else self.locate(mark.lines)

    def skip(self, mark: Mark, stream: int) -> Mark:
        """A mark at or after `mark`, before `end`, with nothing of `stream` between the two."""
        if stream in (NEITHER, mark.open):
            return mark
        ahead = self._indexed(mark.lines_of(stream) + 1, stream)
        return ahead if mark.offset < ahead.offset < self.end.offset else mark

    def _indexed(self, line: int, stream: int) -> Mark:
        fd = self._open_index()
        try:
            found = Index(self._fd, fd, self.end.offset).find(line, stream)
        finally:
            _close(fd)
        if found is None:
            return self._without_index(line, stream)
        return found

    def _without_index(self, line: int, stream: int) -> Mark:
        """What a damaged index should have said; makes a whole one of it."""
        marks = list(self.marks(Mark(), self.end.offset))
        self._complete_index(marks, 0)
        return max((mark for mark in marks if mark.lines_of(stream) < line), default=Mark())

    def _complete_index(self, marks: list[Mark], keep: int) -> None:
        """Put `marks` in the place of what the index has behind its first `keep` entries."""
        with suppress(OSError):  # a full disk must not keep anybody from reading
            index.cut(self._index_path(), keep)
            index.append(self._index_path(), marks)

    def _index_path(self) -> Path:
        return self._path.with_suffix(".idx")

    def _open_index(self) -> int:
        try:
            return os.open(self._index_path(), _OPEN)
        except OSError:
            return -1


def stream_number(stream: Stream | None) -> int:
    """`STDOUT` or `STDERR` for a stream's name, `NEITHER` for None."""
    return NEITHER if stream is None else STREAMS.index(stream)


def _begin(mark: Mark, block: bytes, line: int, stream: int) -> Mark:
    """The mark right before the record with which the line begins; it is known to stand in `block`."""
    for here, record in walk(mark, block):
        wanted = stream == NEITHER or STREAMS[stream].encode() == record[31:37]
        if wanted and here.lines_of(stream) == line - 1 and begins_line(here, record):
            return here
    raise AssertionError(f"line {line} is not where the count of lines says")


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)
