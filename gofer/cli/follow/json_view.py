"""A run as JSON lines: `event`, `log` and `remark` as they come; the outcome is added by who follows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gofer.cli.follow.board import Board
from gofer.cli.follow.view import SilentView
from gofer.cli.output import Output
from gofer.models.event import Event
from gofer.models.log import Line, Stream
from gofer.models.run import Run


class EventItem(msgspec.Struct, tag_field="type", tag="event", kw_only=True):
    """One event of the run."""

    event: Event


class LogItem(msgspec.Struct, tag_field="type", tag="log", kw_only=True):
    """One line of a log."""

    task: str
    attempt: int
    number: int
    time: str
    stream: Stream
    text: str


class RunItem(msgspec.Struct, tag_field="type", kw_only=True, tag="run"):
    """The run, first as it is found and last as it ended."""

    run: Run


class RemarkItem(msgspec.Struct, tag_field="type", kw_only=True, tag="remark"):
    """About the following itself."""

    text: str


class JsonView(SilentView):
    """Prints each thing at once."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def open(self, board: Board) -> None:
        """The run as it is found."""
        self._output.item(RunItem(run=board.run))

    def event(self, event: Event) -> None:
        """One line."""
        self._output.item(EventItem(event=event))
        self._output.flush()

    def lines(self, task: str, attempt: int, lines: Sequence[Line]) -> None:
        """A line each."""
        for one in lines:
            self._output.item(
                LogItem(task=task, attempt=attempt, number=one.number, time=one.time, stream=one.stream, text=one.text)
            )
        self._output.flush()

    def remark(self, text: str) -> None:
        """One line."""
        self._output.item(RemarkItem(text=text))
        self._output.flush()
