"""A run as plain lines, for pipes, files and CI logs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gofer.cli.follow.board import Board
from gofer.cli.follow.view import SilentView
from gofer.cli.follow.wording import sentence, task_look
from gofer.cli.terminal import log_line, paint, plain
from gofer.cli.times import time_of_day
from gofer.models.event import Event
from gofer.models.log import Line


class PlainView(SilentView):
    """A line for each thing that happens: `task | log line`, and `== time task: what`."""

    def __init__(self, *, color: bool) -> None:
        self._color = color
        self._board: Board | None = None

    def open(self, board: Board) -> None:
        """Keeps the board."""
        self._board = board

    def event(self, event: Event) -> None:
        """One line, where it tells a reader something."""
        assert self._board is not None
        text = sentence(self._board, event)
        if text:
            who = event.task or f"run #{event.run}"
            self._print(f"== {time_of_day(event.at)} {who}: {text}")

    def lines(self, task: str, attempt: int, lines: Sequence[Line]) -> None:
        """Each with its task before it."""
        prefix = f"{task} | "
        if self._color:
            prefix = paint(prefix, task_look(task))
        self._print("\n".join(prefix + log_line(line.text, colors=self._color) for line in lines))

    def remark(self, text: str) -> None:
        """On stderr."""
        sys.stdout.flush()
        print(plain(text), file=sys.stderr, flush=True)

    def _print(self, text: str) -> None:
        print(text, flush=True)
