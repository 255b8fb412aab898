"""The log of one attempt on stdout: downloaded as bytes, or followed line by line."""

from __future__ import annotations

import codecs
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gofer.cli.output import write
from gofer.cli.terminal import clean, is_terminal
from gofer.models.log import Line, LogPage

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.client.http import QueryValue
    from gofer.models.log import LogFrame

_PAGE = 5_000


class LogRequest(NamedTuple):
    """Which log, and how. `path` is that of the task run; `attempt` None: the newest."""

    path: str
    since_line: int = 1
    timestamps: bool = False
    stream: str | None = None
    attempt: int | None = None

    @property
    def query(self) -> dict[str, QueryValue]:
        """What every way of asking has."""
        return {"attempt": self.attempt, "stream": self.stream}


class LineItem(msgspec.Struct):
    """A line as JSON. `partial`: it has no end yet, or broke off; the next item of the same number goes on with it."""

    number: int
    time: str
    stream: str
    text: str
    partial: bool


def print_log(invocation: Invocation, request: LogRequest) -> None:
    """What there is of the log now."""
    output = invocation.output
    if output.format == "json":
        for line in _pages(invocation, request):
            output.item(_item(line))
    elif output.format == "pretty":
        query = {**request.query, "timestamps": request.timestamps or None}
        if request.since_line != 1:
            query["from"] = request.since_line
        printer = _printer(output)
        for piece in invocation.client.download(f"{request.path}/log/raw", query):
            printer(piece)
        printer(b"")


def _pages(invocation: Invocation, request: LogRequest) -> Iterator[Line]:
    first = request.since_line
    while True:
        query = {**request.query, "from": first, "limit": _PAGE}
        page = invocation.client.get(f"{request.path}/log", LogPage, query)
        yield from page.lines
        if not page.lines or page.next_line > page.total:
            return
        first = page.next_line


def _printer(output: Output) -> Callable[[bytes], None]:
    """Takes pieces of a log, at last an empty one: as they are, or made harmless where stdout is a terminal."""
    if not is_terminal(sys.stdout):
        return write
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    held = ""

    def harmless(piece: bytes) -> None:
        # A sequence may be split between two pieces, so only whole lines are looked at.
        nonlocal held
        text = held + decoder.decode(piece, final=not piece)
        whole, newline, held = text.rpartition("\n")
        if not piece or len(held) > 64 * 1024:
            whole, newline, held = text, "", ""
        sys.stdout.write(clean(whole + newline, colors=output.color, motion=True))
        sys.stdout.flush()

    return harmless


def follow_log(invocation: Invocation, request: LogRequest, reconnect_timeout: float) -> int:
    """The log from the wanted line on, until it is complete. Returns the exit code; Ctrl-C stops only the following."""
    from gofer.cli.interrupts import Interrupted, run_interruptible

    try:
        run_interruptible(_follow(invocation, request, reconnect_timeout))
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0


async def _follow(invocation: Invocation, request: LogRequest, reconnect_timeout: float) -> None:
    from gofer.client.patience import Link, reconnecting
    from gofer.client.websocket import log_frames
    from gofer.models.log import LogEnd

    output, server = invocation.output, invocation.server
    link = Link(
        reconnect_timeout,
        lambda error: output.note(f"connection lost ({error.message}); reconnecting for up to {reconnect_timeout:g} s"),
        lambda: output.note("connected again"),
    )
    exact = ExactLines(request, _sink(output, request))

    def open_stream(opened: Callable[[], None]) -> AsyncGenerator[LogFrame | LogEnd, None]:
        return log_frames(server, f"{request.path}/log/stream", {**request.query, "from": exact.next_line}, opened)

    async with aclosing(reconnecting(link, open_stream, exact.reconnect)) as frames:
        async for frame in frames:
            if isinstance(frame, LogEnd):
                if frame.state == "expired":
                    output.warn(
                        "the rest of the log is not there any more: it has expired, or somebody removed its file"
                    )
                return
            exact.add(frame.lines)
            output.flush()


class ExactLines:
    """Hands pieces of lines on as they come, each character once, whatever happens to the connection."""

    def __init__(self, request: LogRequest, take: Callable[[Line, bool], None]) -> None:
        """`take` gets a piece of a line, and whether the line begins with it."""
        self._take = take
        self._number = 0
        self._received = 0
        self._shown = 0
        self._partial = False
        self.next_line = request.since_line

    def add(self, lines: list[Line]) -> None:
        """Take a frame."""
        for line in lines:
            begins = not (self._partial and line.number == self._number)
            if begins:
                self._number, self._received, self._shown = line.number, 0, 0
            known = max(self._shown - self._received, 0)
            self._received += len(line.text)
            self._shown = max(self._shown, self._received)
            self._partial = line.partial
            if begins or not line.partial or known < len(line.text):
                self._take(Line(line.number, line.time, line.stream, line.text[known:], line.partial), begins)
        if lines:
            self.next_line = self._number if self._partial else self._number + 1

    def reconnect(self) -> None:
        """A line that is not whole comes again from its beginning; what was shown of it is left out."""
        self._received = 0


def _sink(output: Output, request: LogRequest) -> Callable[[Line, bool], None]:
    if output.format == "silent":
        return lambda line, begins: None
    if output.format == "json":
        return lambda line, begins: output.item(_item(line))
    terminal = is_terminal(sys.stdout)

    def show(line: Line, begins: bool) -> None:
        text = clean(line.text, colors=output.color, motion=True) if terminal else line.text
        prefix = f"{line.time} {line.stream} " if request.timestamps and begins else ""
        sys.stdout.write(prefix + text + ("" if line.partial else "\n"))

    return show


def _item(line: Line) -> LineItem:
    return LineItem(line.number, line.time, line.stream, line.text, line.partial)
