"""The end of what a program prints, with secrets hidden."""

from __future__ import annotations

from gofer.engines.scheduler.base import Chunk, Position
from gofer.models.log import Stream
from gofer.server.logs.mask import Masks, Step, StreamMasker

_KEPT = 16 * 1024
_LINES = 20
_CHARACTERS = 4_000


class Tail:
    """Takes both streams, each masked as a whole however it is cut, and keeps the last of what came."""

    def __init__(self, masks: Masks) -> None:
        self._maskers: dict[Stream, StreamMasker] = {
            "stdout": StreamMasker(masks, Step(), 0),
            "stderr": StreamMasker(masks, Step(), 0),
        }
        self._taken: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        self._kept = bytearray()

    @property
    def position(self) -> Position:
        """What need not come again."""
        return Position(self._taken["stdout"], self._taken["stderr"])

    def take(self, chunk: Chunk) -> None:
        """More of either stream."""
        self._taken[chunk.stream] += len(chunk.data)
        self._keep(self._maskers[chunk.stream].feed(chunk.data))

    def text(self) -> str:
        """The last lines, without what a terminal would take for commands. Call once, at the end."""
        for masker in self._maskers.values():
            self._keep(masker.flush())
        lines = plain_lines(self._kept.decode(errors="replace"))
        return "\n".join(lines[-_LINES:])[-_CHARACTERS:].rstrip()

    def _keep(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-_KEPT]


def plain_lines(text: str) -> list[str]:
    """The lines of a text, each of printable characters and tabs alone."""
    return ["".join(c if c.isprintable() or c == "\t" else "�" for c in line) for line in text.splitlines()]
