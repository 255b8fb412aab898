"""What a fake container has printed, made up as it is read: a million lines cost nothing to keep."""

from __future__ import annotations

from collections.abc import Iterator

from gofer.models.log import Stream

_BLOCK = 65536


class Piece:
    """Part of the output of one stream, printed at `at` (nanoseconds since the epoch)."""

    def __init__(self, stream: Stream, at: int) -> None:
        self.stream: Stream = stream
        self.at = at

    def whole(self) -> Iterator[bytes]:
        """Everything."""
        raise NotImplementedError


class Text(Piece):
    """Some bytes."""

    def __init__(self, stream: Stream, at: int, data: bytes) -> None:
        super().__init__(stream, at)
        self._data = data

    def whole(self) -> Iterator[bytes]:
        yield self._data


class Lines(Piece):
    """Numbered lines: `template` with their numbers from 1 on, and a newline each."""

    def __init__(self, stream: Stream, at: int, count: int, template: str) -> None:
        super().__init__(stream, at)
        self._count = count
        self._template = template + "\n"

    def whole(self) -> Iterator[bytes]:
        step = max(1, _BLOCK // len(self._template))
        for first in range(1, self._count + 1, step):
            last = min(first + step, self._count + 1)
            yield "".join(self._template % number for number in range(first, last)).encode()


class Flood(Piece):
    """Lines without end: as many as its fastest reader takes, until it is `stopped`."""

    def __init__(self, stream: Stream, at: int, line: bytes) -> None:
        super().__init__(stream, at)
        self._block = line * max(1, _BLOCK // len(line))
        self._produced = 0
        self.stopped = False

    def whole(self) -> Iterator[bytes]:
        taken = 0
        while not self.stopped or taken < self._produced:
            taken += 1
            self._produced = max(self._produced, taken)
            yield self._block
