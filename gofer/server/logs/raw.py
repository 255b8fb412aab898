"""A log as it was printed, or as lines with their times."""

from __future__ import annotations

from gofer.server.logs.file import LogFile
from gofer.server.logs.record import FULL, HEAD, HEADER, NEITHER, PART, STREAMS, Mark, begins_line, walk, whole


class RawReader:
    """Reads an open log piece by piece, from the line `first` to the end it has now. Blocks; constant memory.

    Without `timestamps`: the bytes that came, exactly, without Gofer's own notes. With them: `time stream text`, a
    line each, notes too. `stream`: only that one.
    """

    def __init__(self, log: LogFile, first: int, stream: int, timestamps: bool) -> None:
        self._log = log
        self._stream = stream
        self._timestamps = timestamps
        self._first = first
        self._here: Mark | None = None
        self._within_line = False

    def next(self) -> bytes | None:
        """The next bytes (there may be none in a piece), None at the end. Raises DamagedLog."""
        if self._here is None:
            self._here = self._log.locate_first(self._first, self._stream)
        here, end = self._here, self._log.end
        if here.offset >= end.offset:
            return self._finish()
        block = self._log.block(here.offset, end.offset)
        self._here = whole(here, block)
        return self._with_times(here, block) if self._timestamps else self._texts(block)

    def _finish(self) -> bytes | None:
        if self._timestamps and self._within_line:
            self._within_line = False
            return b"\n"
        return None

    def _texts(self, block: bytes) -> bytes:
        records = block.split(b"\n")
        records.pop()
        heads = [record[HEAD] for record in records]
        full, part = (FULL, PART) if self._stream == NEITHER else (FULL[self._stream :][:1], PART[self._stream :][:1])
        if not any(map(heads.count, part)):
            mine = [record[HEADER:] for record, head in zip(records, heads, strict=True) if head in full]
            mine.append(b"")
            return b"\n".join(mine)
        out: list[bytes] = []
        for record, head in zip(records, heads, strict=True):
            if head in full:
                out += (record[HEADER:], b"\n")
            elif head in part:
                out.append(record[HEADER:])
        return b"".join(out)

    def _with_times(self, here: Mark, block: bytes) -> bytes:
        out: list[bytes] = []
        for mark, record in walk(here, block):
            if self._stream != NEITHER and record[31:37] != STREAMS[self._stream].encode():
                continue
            if begins_line(mark, record) or not self._within_line:
                out += (b"\n" if self._within_line else b"", record[: HEADER - 2])
            out.append(record[HEADER:])
            self._within_line = record[38:39] == b"P"
            if not self._within_line:
                out.append(b"\n")
        return b"".join(out)
