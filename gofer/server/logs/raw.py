"""A log as it was printed, or as lines with their times."""

from __future__ import annotations

from gofer.server.logs.file import LogFile
from gofer.server.logs.record import HEADER, NEITHER, STREAMS, Mark, begins_line, kind, walk, whole


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
        out: list[bytes] = []
        for record in block.split(b"\n")[:-1]:
            stream, tag = kind(record) or (NEITHER, "N")
            if tag != "N" and self._stream in (NEITHER, stream):
                out.append(record[HEADER:])
                if tag == "F":
                    out.append(b"\n")
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
