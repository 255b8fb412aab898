"""What a person is told of an archive, while it comes and when it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gofer.models.units import format_size

if TYPE_CHECKING:
    from gofer.archive.read import Sink
    from gofer.archive.tar import Member
    from gofer.cli.progress import Bar
    from gofer.models.backup import Backup, Head, PartName


def watching(bar: Bar, sink: Sink) -> Sink:
    """The same sink; the bar learns from the archive's head how much is to come."""
    return _Watching(sink, bar)


class _Watching:
    def __init__(self, sink: Sink, bar: Bar) -> None:
        self._sink = sink
        self._bar = bar

    def begin(self, head: Head) -> None:
        self._bar.expect(head.expected_bytes)
        self._sink.begin(head)

    def file(self, part: PartName, member: Member) -> Callable[[bytes], object]:
        return self._sink.file(part, member)


def contents(backup: Backup) -> str:
    """What is in a backup, in one line."""
    from gofer.cli.times import clock

    head = backup.head
    files = {part.name: part.files for part in backup.parts}
    secrets = "secrets" if head.secrets else "no secrets"
    logs = f"{files.get('logs', 0)} logs" if head.logs else "no logs"
    objects = f"the contents of {files.get('objects', 0)} objects" if head.objects else "no contents of objects"
    what = f"database (schema {head.schema}), {secrets}, {logs}, {objects}"
    return f"{format_size(backup.size)}, {what}, taken {clock(head.created_at)} by Gofer {head.gofer}"
