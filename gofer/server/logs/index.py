"""The sparse index beside a log file: marks, about every 64 KiB of the file.

It only ever makes things faster. Each entry has a checksum; whatever is torn, or does not fit the file, is not used
and is made anew from the file, which alone is the truth.
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

from gofer.server.logs.record import HEADER, NEITHER, Mark, kind

SPACING = 64 * 1024
"""Bytes of the log file from one entry to the next, at least."""

_BODY = struct.Struct("<QQQQQI")
_CHECK = struct.Struct("<I")
ENTRY = _BODY.size + _CHECK.size


def pack(mark: Mark) -> bytes:
    body = _BODY.pack(*mark)
    return body + _CHECK.pack(zlib.crc32(body))


def unpack(entry: bytes) -> Mark | None:
    """None if the entry is torn or damaged."""
    if len(entry) != ENTRY or _CHECK.unpack_from(entry, _BODY.size)[0] != zlib.crc32(entry[: _BODY.size]):
        return None
    return Mark(*_BODY.unpack_from(entry))


def append(path: Path, marks: list[Mark]) -> None:
    """Put entries at the end. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        torn = os.fstat(fd).st_size % ENTRY
        if torn:
            os.ftruncate(fd, os.fstat(fd).st_size - torn)
        os.write(fd, b"".join(map(pack, marks)))
    finally:
        os.close(fd)


def cut(path: Path, keep: int) -> None:
    """Drop every entry behind the first `keep`. Raises OSError."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > keep * ENTRY:
            os.truncate(path, keep * ENTRY)


def cut_behind(path: Path, end: Mark) -> None:
    """Drop the entries at the end that name places behind `end`, or nothing. Raises OSError."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        keep = file.seek(0, os.SEEK_END) // ENTRY
        while keep:
            file.seek((keep - 1) * ENTRY)
            mark = unpack(file.read(ENTRY))
            if mark is not None and mark.offset <= end.offset:
                break
            keep -= 1
        cut(path, keep)


class Index:
    """Looks marks up; the log file and the index are open descriptors, `index` -1 if there is none.

    `size`: how far the log file may be believed, in bytes.
    """

    def __init__(self, log: int, index: int, size: int) -> None:
        self._log = log
        self._index = index
        self._size = size
        self._count = os.fstat(index).st_size // ENTRY if index >= 0 else 0

    def last(self) -> tuple[Mark, int]:
        """The last mark that fits the file, and how many entries there are up to it (`Mark()` and 0: none)."""
        for count in range(self._count, 0, -1):
            mark = self._entry(count - 1)
            if mark is not None and self._fits(mark):
                return mark, count
        return Mark(), 0

    def find(self, line: int, stream: int = NEITHER) -> Mark | None:
        """The last mark before which fewer than `line` lines begin: the line stands at it or soon after it.

        `stream`: count only lines of that stream. None: the index is damaged.
        """
        low, high, best = 0, self._count, Mark()
        while low < high:
            middle = (low + high) // 2
            mark = self._entry(middle)
            if mark is None:
                return None
            if mark.offset <= self._size and mark.lines_of(stream) < line:
                low, best = middle + 1, mark
            else:
                high = middle
        return best if best.offset == 0 or self._fits(best) else None

    def before(self, offset: int) -> Mark | None:
        """The last mark at or before `offset` bytes. None: the index is damaged."""
        low, high, best = 0, self._count, Mark()
        while low < high:
            middle = (low + high) // 2
            mark = self._entry(middle)
            if mark is None:
                return None
            if mark.offset <= offset:
                low, best = middle + 1, mark
            else:
                high = middle
        return best if best.offset == 0 or self._fits(best) else None

    def _entry(self, number: int) -> Mark | None:
        with suppress(OSError):
            return unpack(os.pread(self._index, ENTRY, number * ENTRY))
        return None

    def _fits(self, mark: Mark) -> bool:
        """Whether the place between two records that the mark names is one."""
        if not 0 < mark.offset <= self._size:
            return False
        around = os.pread(self._log, HEADER + 1, mark.offset - 1)
        return around[:1] == b"\n" and (mark.offset == self._size or kind(around[1:]) is not None)
