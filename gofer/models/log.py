"""Log lines on the wire."""

from __future__ import annotations

from typing import Literal

import msgspec

Stream = Literal["stdout", "stderr"]


class Line(msgspec.Struct, array_like=True):
    """One line: `[number, time, stream, text, partial]`.

    `number` counts from 1 within the attempt, both streams together, and never changes. `time` is RFC 3339 with
    nanoseconds: when the line's first text was printed. `partial`: no newline has followed the text yet. It may go on:
    a later frame then has the same number, and the text that is to be appended. Or another stream has broken into it:
    then its rest is a line of its own. Bytes that are not UTF-8 appear as U+FFFD here; the raw download has them as
    they were.
    """

    number: int
    time: str
    stream: Stream
    text: str
    partial: bool = False


class LogPage(msgspec.Struct, kw_only=True):
    """Some lines. `next_line` is where to go on; `total` how many lines there are now; `complete` no more can come.

    `position` is the place of the first one among the lines that were asked for, which are `stream_total` in all: of
    one stream, or of both, where each line's place is its number. A page may have fewer lines than were asked for: it
    ends before it gets large. While the log is not complete, an unterminated last line is its own `next_line`, so that
    whoever asks again gets it with its rest.
    """

    lines: list[Line]
    next_line: int
    total: int
    stream_total: int
    position: int
    complete: bool


class LogFrame(msgspec.Struct, kw_only=True, tag_field="type", tag="lines"):
    """A websocket frame with lines in order."""

    lines: list[Line]


class LogEnd(msgspec.Struct, kw_only=True, tag_field="type", tag="end"):
    """The last frame: the log is complete, or was expired while it was read (`state`)."""

    state: Literal["complete", "expired"]
    total: int
