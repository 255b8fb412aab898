"""One attempt's log, line by line, through lost connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Literal

from gofer.client.address import Server
from gofer.client.patience import Link, reconnecting
from gofer.client.websocket import log_frames
from gofer.models.log import Line, LogEnd, LogFrame

Ending = Literal["complete", "expired"]

LONGEST = 64 * 1024
"""Characters after which a line is cut; `gofer taskrun logs` has all of it."""


async def pump_log(
    server: Server, path: str, attempt: int, link: Link, take: Callable[[Sequence[Line]], None]
) -> Ending:
    """Hand the lines of an attempt's log to `take`, each once and whole, until the log is complete.

    `path`: of the task run. A line without its final newline is handed over when it has grown whole, or at the end.
    Raises ClientError where the log cannot be had.
    """
    reader = LineReader(take)

    def open_stream(opened: Callable[[], None]) -> AsyncGenerator[LogFrame | LogEnd, None]:
        return log_frames(server, f"{path}/log/stream", {"attempt": attempt, "from": reader.next_line}, opened)

    async with aclosing(reconnecting(link, open_stream, reader.forget_open)) as frames:
        async for frame in frames:
            if isinstance(frame, LogEnd):
                reader.end()
                return frame.state
            reader.add(frame.lines)
    raise AssertionError("a log stream ended without its end")


class LineReader:
    """Puts the lines of frames together: a line that goes on in the next frame comes with the same number again."""

    def __init__(self, take: Callable[[Sequence[Line]], None]) -> None:
        self._take = take
        self._open: Line | None = None
        self.next_line = 1

    def add(self, lines: Sequence[Line]) -> None:
        """Take a frame; hand over the lines that are whole."""
        whole: list[Line] = []
        for line in lines:
            if self._open is not None:
                if self._open.number == line.number:
                    line = _joined(self._open, line)
                else:
                    # The other stream broke in: the line ends where it is.
                    whole.append(self._open)
            self._open = _cut(line) if line.partial else None
            if self._open is None:
                whole.append(_cut(line))
        if whole:
            self._take(whole)
        if lines:
            self.next_line = self._open.number if self._open is not None else lines[-1].number + 1

    def forget_open(self) -> None:
        """The connection is lost: the line that was not whole comes again from its beginning."""
        self._open = None

    def end(self) -> None:
        """The log is complete: hand over the line that has no end."""
        if self._open is not None:
            self._take([self._open])
            self._open = None


def _joined(line: Line, more: Line) -> Line:
    text = line.text if len(line.text) > LONGEST else line.text + more.text
    return Line(line.number, line.time, line.stream, text, more.partial)


def _cut(line: Line) -> Line:
    """What is cut is one character longer than LONGEST, so that `_joined` adds nothing to it."""
    if len(line.text) <= LONGEST + 1:
        return line
    return Line(line.number, line.time, line.stream, line.text[:LONGEST] + "…", line.partial)
