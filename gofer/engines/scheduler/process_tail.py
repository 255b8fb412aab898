"""Reading the frames of a record."""

from __future__ import annotations

import os

from gofer.engines.scheduler.base import Chunk, Position
from gofer.engines.scheduler.process_record import FRAME, STDERR, STDOUT
from gofer.models.log import Stream

_BLOCK = 1 << 20
_LARGEST = 1 << 18
# Lines keep their own times to this much.
_SAME_TIME = 1_000_000
_NAMES: dict[int, Stream] = {STDOUT: "stdout", STDERR: "stderr"}


class Tail:
    """Gives what stands in an open record from a position on, as far as it goes now; may be asked again later."""

    def __init__(self, fd: int, start: int, since: Position) -> None:
        self._fd = fd
        self._offset = start
        self._skip = {STDOUT: since.stdout, STDERR: since.stderr}
        self._stream = 0
        self._left = 0
        self._at = 0
        self._damaged = False

    @property
    def behind(self) -> int:
        """Bytes that stand in the record and were not read yet."""
        return 0 if self._damaged else os.fstat(self._fd).st_size - self._offset

    def read(self) -> list[Chunk] | None:
        """The next chunks; None at the end of what is there. The list is empty where all of a block was skipped.

        Frames of one stream within a millisecond become one chunk of at most 256 KiB.
        """
        data = b"" if self._damaged else os.pread(self._fd, _BLOCK, self._offset)
        merger = _Merger()
        position = 0
        while position < len(data):
            if self._left == 0:
                if len(data) - position < FRAME.size:
                    break
                self._at, self._left, self._stream = FRAME.unpack_from(data, position)
                position += FRAME.size
                if self._stream not in _NAMES:
                    # The machine lost power, and the file's end is not what was written.
                    self._damaged = True
                    break
            size = min(self._left, len(data) - position)
            skipped = min(self._skip[self._stream], size)
            self._skip[self._stream] -= skipped
            if skipped < size:
                merger.add(self._stream, data[position + skipped : position + size], self._at)
            self._left -= size
            position += size
        self._offset += position
        return merger.finish() if position else None


class _Merger:
    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._pieces: list[bytes] = []
        self._size = 0
        self._stream = 0
        self._at = 0

    def add(self, stream: int, data: bytes, at: int) -> None:
        if stream != self._stream or at - self._at > _SAME_TIME or self._size + len(data) > _LARGEST:
            self._flush()
            self._stream, self._at = stream, at
        self._pieces.append(data)
        self._size += len(data)

    def finish(self) -> list[Chunk]:
        self._flush()
        return self._chunks

    def _flush(self) -> None:
        if self._pieces:
            self._chunks.append(Chunk(_NAMES[self._stream], b"".join(self._pieces), self._at))
            self._pieces, self._size = [], 0
