"""A Python traceback, cut down to what its reader wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line \d+')
_HEAD = "Traceback (most recent call last):"


def trimmed(text: str, foreign: Sequence[str], *, relative: bool = False) -> str:
    """`text` (what a Python program printed on stderr) without the frames of files under the folders `foreign`.

    `relative`: files whose path is not absolute are foreign too, as those in the one-file program are.
    Where a traceback has no other frames (a fault inside a library's own thread), it stays whole.
    """
    out: list[str] = []
    lines = text.splitlines()
    position = 0
    while position < len(lines):
        out.append(lines[position])
        position += 1
        if lines[position - 1] == _HEAD:
            frames, position = _frames(lines, position)
            own = [frame for frame in frames if not _is_foreign(frame[0], foreign, relative)]
            for frame in own or frames:
                out.extend(frame)
    return "\n".join(out)


def _frames(lines: list[str], position: int) -> tuple[list[list[str]], int]:
    """The frames from `position` on, each with its source lines, and where they end."""
    frames: list[list[str]] = []
    while position < len(lines) and lines[position].startswith("  "):
        if _FRAME.match(lines[position]) or not frames:
            frames.append([])
        frames[-1].append(lines[position])
        position += 1
    return frames, position


def _is_foreign(line: str, foreign: Sequence[str], relative: bool) -> bool:
    match = _FRAME.match(line)
    if match is None:
        return False
    file = match["file"]
    if relative and not file.startswith(("/", "<")):
        return True
    return file.startswith("<frozen ") or any(file.startswith(folder.rstrip("/") + "/") for folder in foreign)
