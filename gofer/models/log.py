"""Log lines on the wire."""

from __future__ import annotations

from typing import Literal

import msgspec

Stream = Literal["stdout", "stderr"]


class Line(msgspec.Struct, array_like=True):
    """One line: `[number, time, stream, text, partial]`.

    `number` counts from 1 within the attempt, both streams together. `time` is RFC 3339 with nanoseconds. `partial`
    lines have no final newline yet: a later frame may repeat the same number with more text. Bytes that are not
    UTF-8 appear as U+FFFD here; the raw download has them as they were.
    """

    number: int
    time: str
    stream: Stream
    text: str
    partial: bool = False


class LogPage(msgspec.Struct, kw_only=True):
    """Some lines. `next_line` is where to go on; `total` how many lines there are now; `complete` no more can come."""

    lines: list[Line]
    next_line: int
    total: int
    complete: bool


class LogFrame(msgspec.Struct, kw_only=True, tag_field="type", tag="lines"):
    """A websocket frame with lines in order."""

    lines: list[Line]


class LogEnd(msgspec.Struct, kw_only=True, tag_field="type", tag="end"):
    """The last frame: the log is complete, or was expired while it was read (`state`)."""

    state: Literal["complete", "expired"]
    total: int
