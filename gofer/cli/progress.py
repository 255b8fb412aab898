"""A bar for many bytes, where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gofer.cli.terminal import is_terminal, plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from gofer.cli.output import Output

_LONGEST_TITLE = 24


class Bar:
    """Counts bytes; shown as soon as there are, or are to be, more than `least` of them, if it may be."""

    def __init__(self, show: Callable[[], Progress] | None, title: str, total: int | None, least: int) -> None:
        self._show = show
        self._title = title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
        self._total = total
        self._least = least
        self._done = 0
        self._shown: tuple[Progress, TaskID] | None = None

    def advance(self, size: int) -> None:
        """`size` more bytes."""
        self.reach(self._done + size)

    def reach(self, done: int) -> None:
        """So many bytes by now, which may be fewer than before: the work has begun anew."""
        self._done = done
        self._update()

    def expect(self, total: int) -> None:
        """So many bytes in all, or about."""
        self._total = total
        self._update()

    def _update(self) -> None:
        if self._show is None:
            return
        if self._shown is None:
            if max(self._done, self._total or 0) < self._least:
                return
            progress = self._show()
            self._shown = progress, progress.add_task(plain(self._title), total=self._total)
        progress, task = self._shown
        progress.update(task, completed=self._done, total=self._total)


@contextmanager
def progress(output: Output, title: str, total: int | None = None, least: int = 0) -> Iterator[Bar]:
    """A bar on stderr if that is a terminal and people are meant to read there; else one that shows nothing."""
    if output.format != "pretty" or not is_terminal(sys.stderr):
        yield Bar(None, title, total, least)
        return
    shown: list[Progress] = []

    def show() -> Progress:
        shown.append(_bar(output))
        shown[0].start()
        return shown[0]

    try:
        bar = Bar(show, title, total, least)
        bar.reach(0)
        yield bar
    finally:
        for one in shown:
            one.stop()


def _bar(output: Output) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(file=sys.stderr, no_color=not output.error_color), transient=True)
