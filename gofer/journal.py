"""How journald learns the level of a line: sd-daemon(3)'s `<N>` in front of it, which the journal takes away again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO

_PRIORITIES = {"debug": "<7>", "info": "<6>", "warning": "<4>", "error": "<3>"}


def is_journal(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Whether what is written to `stream` goes straight to journald: JOURNAL_STREAM names its device and inode, as
    systemd.exec(5) has it."""
    named = environ.get("JOURNAL_STREAM")
    if not named or stream is None:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"


def priority(level: str) -> str:
    """What stands in front of a line of that level: debug, info, warning or error."""
    return _PRIORITIES.get(level, "<3>")


def marked(text: str, level: str) -> str:
    """`text` with the priority in front of each of its lines, as journald makes an entry of each."""
    return "\n".join(priority(level) + line for line in text.split("\n"))
