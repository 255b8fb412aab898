"""A bar for archives, where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gofer.cli.terminal import is_terminal
from gofer.models.units import format_size

if TYPE_CHECKING:
    from rich.progress import Progress

    from gofer.archive.read import Sink
    from gofer.archive.tar import Member
    from gofer.cli.output import Output
    from gofer.models.backup import Backup, Head, PartName


class Bar:
    """Counts bytes; shown or not."""

    def __init__(self, shown: Progress | None, title: str, total: int | None) -> None:
        self._shown = shown
        self._task = None if shown is None else shown.add_task(title, total=total)

    def advance(self, size: int) -> None:
        """`size` more bytes."""
        if self._shown is not None and self._task is not None:
            self._shown.advance(self._task, size)

    def expect(self, total: int) -> None:
        """So many bytes in all, or about."""
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, total=total)

    def watching(self, sink: Sink) -> Sink:
        """The same sink; the bar learns from the archive's head how much is to come."""
        return _Watching(sink, self)


class _Watching:
    def __init__(self, sink: Sink, bar: Bar) -> None:
        self._sink = sink
        self._bar = bar

    def begin(self, head: Head) -> None:
        self._bar.expect(head.expected_bytes)
        self._sink.begin(head)

    def file(self, part: PartName, member: Member) -> Callable[[bytes], object]:
        return self._sink.file(part, member)


@contextmanager
def progress(output: Output, title: str, total: int | None = None) -> Iterator[Bar]:
    """A bar on stderr if that is a terminal and people are meant to read there; else one that shows nothing."""
    if output.format != "pretty" or not is_terminal(sys.stderr):
        yield Bar(None, title, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    console = Console(file=sys.stderr, no_color=not output.error_color)
    with Progress(*columns, console=console, transient=True) as shown:
        yield Bar(shown, title, total)


def contents(backup: Backup) -> str:
    """What is in a backup, in one line."""
    from gofer.cli.times import clock

    head = backup.head
    logs = sum(part.files for part in backup.parts if part.name == "logs")
    what = f"database (schema {head.schema}) " + (f"and {logs} logs" if head.logs else "without logs")
    return f"{format_size(backup.size)}, {what}, taken {clock(head.created_at)} by Gofer {head.gofer}"
