"""Records made into lines, and lines into the frames that followers get."""

from __future__ import annotations

from typing import cast

import msgspec

from gofer.models.log import Line, LogEnd, LogFrame, Stream
from gofer.models.run import LogState
from gofer.server.logs.record import HEADER, NEITHER, STREAMS, Mark, whole

_ENCODER = msgspec.json.Encoder()


def lines(block: bytes, mark: Mark, stream: int = NEITHER) -> list[Line]:
    """The lines in `block`, whole records that begin at `mark`; `stream`: only its lines.

    Records of one line are put together. The first of the lines may have begun before the block, the last may go on
    behind it: both have only the text that stands here. Bytes that are not UTF-8 become U+FFFD.
    """
    wanted = None if stream == NEITHER else STREAMS[stream]
    records = block.decode("utf-8", "replace").split("\n")
    records.pop()
    number, opened = mark.lines, mark.open
    found: list[Line] = []
    for record in records:
        name, tag = cast(Stream, record[31:37]), record[38:39]
        goes_on = opened != NEITHER and STREAMS[opened] == name and tag != "N"
        opened = STREAMS.index(name) if tag == "P" else NEITHER
        if not goes_on:
            number += 1
        if wanted is not None and name != wanted:
            continue
        if goes_on and found and found[-1].number == number:
            found[-1].text += record[HEADER:]
            found[-1].partial = tag == "P"
        else:
            found.append(Line(number, record[:30], name, record[HEADER:], tag == "P"))
    return found


class Frame:
    """Some lines as JSON, and where the next ones stand. `text` is empty where no line is of the wanted stream."""

    __slots__ = ("next", "text")

    def __init__(self, block: bytes, mark: Mark, stream: int) -> None:
        found = lines(block, mark, stream)
        self.text = _ENCODER.encode(LogFrame(lines=found)).decode() if found else ""
        self.next = whole(mark, block)


def end_frame(state: LogState, total: int) -> str:
    """The last frame of a log: `state` is `complete` or `expired`."""
    return _ENCODER.encode(LogEnd(state="expired" if state == "expired" else "complete", total=total)).decode()
