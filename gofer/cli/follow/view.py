"""What a view of a run has to do, and the one that shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gofer.cli.follow.board import Board
from gofer.models.event import Event
from gofer.models.log import Line


class View(Protocol):
    """Shows a run. Its methods are called from one event loop, one at a time."""

    def open(self, board: Board) -> None:
        """Before anything else. The board moves on by itself from then on."""

    def event(self, event: Event) -> None:
        """One event of the run, after the board knows of it, in their order for each task.

        The end of an attempt is shown after its log.
        """

    def lines(self, task: str, attempt: int, lines: Sequence[Line]) -> None:
        """Whole lines of a log."""

    def remark(self, text: str) -> None:
        """Something about the following itself, such as a lost connection."""

    def refresh(self) -> None:
        """Called some times a second."""

    def close(self) -> None:
        """Leave the terminal as it was. Idempotent."""


class SilentView:
    """Shows nothing."""

    def open(self, board: Board) -> None:
        """Nothing."""

    def event(self, event: Event) -> None:
        """Nothing."""

    def lines(self, task: str, attempt: int, lines: Sequence[Line]) -> None:
        """Nothing."""

    def remark(self, text: str) -> None:
        """Nothing."""

    def refresh(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
