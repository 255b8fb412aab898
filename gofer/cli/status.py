"""Statuses as people see them: a symbol, a word, a colour."""

from __future__ import annotations

from gofer.cli.terminal import plain

SYMBOLS = {
    "waiting": "·",
    "queued": "◦",
    "starting": "◔",
    "running": "▶",
    "successful": "✔",
    "failed": "✘",
    "cancelled": "⊘",
    "skipped": "↷",
}
LOOKS = {
    "waiting": "dim",
    "queued": "dim",
    "starting": "cyan",
    "running": "blue",
    "successful": "green",
    "failed": "red",
    "cancelled": "yellow",
    "skipped": "dim",
}


def cell(status: str, *, cancelling: bool = False) -> tuple[str, str]:
    """A status in a table."""
    text = f"{SYMBOLS.get(status, '?')} {status}"
    return (f"{text} (cancelling)" if cancelling else text, LOOKS.get(status, "dim"))


def why(reason: str, detail: str) -> str:
    """The sentence about it, or the reason's own words where there is none."""
    return plain(detail or reason.replace("_", " "))
