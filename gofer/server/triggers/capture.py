"""From what a trigger's container prints to the lines of its log."""

from __future__ import annotations

from collections.abc import Callable

from gofer.engines.scheduler.base import Chunk, Position
from gofer.server.triggers.logbook import Logbook
from gofer.server.triggers.pace import Pace

LONGEST_LINE = 8_192
LINES_A_SECOND, LINES_AT_ONCE = 200, 5_000


class Capture:
    """Writes the lines of one start into the log. Lines that come too fast are counted only."""

    def __init__(self, logbook: Logbook, position: Position, now: Callable[[], float]) -> None:
        """`now`: the loop's time in seconds. `position`: what is told already."""
        self._logbook = logbook
        self._now = now
        self._pace = Pace(LINES_A_SECOND, LINES_AT_ONCE, now())
        self._done = {"stdout": position.stdout, "stderr": position.stderr}
        self._rest = {"stdout": b"", "stderr": b""}
        self._left_out = 0
        self._at = 0

    @property
    def size(self) -> int:
        """How many bytes it has printed."""
        return sum(self._done.values()) + sum(map(len, self._rest.values()))

    @property
    def position(self) -> Position:
        """What is told."""
        return Position(self._done["stdout"], self._done["stderr"])

    def feed(self, chunk: Chunk) -> None:
        """What comes next."""
        self._at = chunk.at // 1_000_000
        data = self._rest[chunk.stream] + chunk.data
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line(chunk.stream, line, len(line) + 1)
        while len(rest) > LONGEST_LINE:
            self._line(chunk.stream, rest[:LONGEST_LINE], LONGEST_LINE)
            rest = rest[LONGEST_LINE:]
        self._rest[chunk.stream] = rest

    def restart(self) -> None:
        """What is not told yet will come again, from `position` on."""
        self._rest = {"stdout": b"", "stderr": b""}

    def finish(self) -> None:
        """No more comes: a last line without an end is one, too."""
        for stream, rest in self._rest.items():
            if rest:
                self._line(stream, rest, len(rest))
        self.restart()
        self._tell_left_out()

    def _line(self, stream: str, line: bytes, size: int) -> None:
        self._done[stream] += size
        if not self._pace.take(self._now()):
            self._left_out += 1
            return
        self._tell_left_out()
        text = line[:LONGEST_LINE].removesuffix(b"\r").decode(errors="replace")
        self._logbook.add("stdout" if stream == "stdout" else "stderr", self._at, text, position=self.position)

    def _tell_left_out(self) -> None:
        if self._left_out:
            text = f"Gofer left out {self._left_out} lines that came too fast."
            self._left_out = 0
            self._logbook.add("gofer", self._at, text, "warning", self.position)
