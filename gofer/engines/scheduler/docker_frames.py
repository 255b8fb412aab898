"""The engine's multiplexed streams: frames of `kind, 0, 0, 0, length (4 bytes, big endian)` and as many bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gofer.errors import EngineUnavailable
from gofer.models.log import Stream

# By a frame's kind. Kind 3 is no stream: with it the engine says what has gone wrong.
STREAMS: Final[tuple[Stream, ...]] = ("stdout", "stdout", "stderr")
ENGINE_ERROR: Final = 3

_HEADER: Final = 8
# The engine makes none over 32 KiB; a much longer one means that this is no such stream.
_LONGEST: Final = 64 * 1024 * 1024


class Frames:
    """Takes what comes from the connection, in pieces of any size, and gives whole frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The frames that are complete now, each with its kind. To be read to the end before the next call."""
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while at + _HEADER <= end:
            begin = at + _HEADER
            size = int.from_bytes(data[at + 4 : begin], "big")
            if size > _LONGEST or data[at] > ENGINE_ERROR:
                raise EngineUnavailable(
                    "the Docker Engine sent something else than a container's output",
                    "Check for a proxy between Gofer and the engine that changes what passes.",
                )
            if begin + size > end:
                break
            yield data[at], data[begin : begin + size]
            at = begin + size
        self._rest = data[at:]

    @property
    def torn(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._rest)
