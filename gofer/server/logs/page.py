"""Reading some lines of a log at once."""

from __future__ import annotations

from gofer.models.log import Line, LogPage
from gofer.server.logs import frames
from gofer.server.logs.file import LogFile
from gofer.server.logs.record import NEITHER, whole

MOST_TEXT = 1024 * 1024
"""Characters of text in a page, about: a page ends early rather than grow much larger."""


def read_page(log: LogFile, first: int, limit: int, stream: int, complete: bool, *, of_stream: bool = False) -> LogPage:
    """At most `limit` lines of an open log from line `first` on, see `Logs.read`. Blocks."""
    here = log.locate(first, stream) if of_stream and first > 0 else log.locate_first(first, stream)
    position = here.lines_of(stream) + 1
    found: list[Line] = []
    size = 0
    while here.offset < log.end.offset and len(found) <= limit and size < MOST_TEXT:
        here = log.skip(here, stream)
        block = log.block(here.offset, log.end.offset)
        more = frames.lines(block, here, stream)
        size += sum(len(line.text) for line in more)
        _join(found, more)
        here = whole(here, block)
    ended = here.offset >= log.end.offset
    going_on = ended and log.end.open != NEITHER and not complete
    after = log.end.lines + (not going_on) if ended else here.lines + 1
    after = _cut(found, limit, after, ended)
    return LogPage(
        lines=found,
        next_line=max(after, first),
        total=log.end.lines,
        stream_total=log.end.lines_of(stream),
        position=position,
        complete=complete,
    )


def _join(found: list[Line], more: list[Line]) -> None:
    """Append `more`; its first may be the rest of the last line of `found`."""
    if found and more and found[-1].number == more[0].number:
        found[-1].text += more[0].text
        found[-1].partial = more[0].partial
        more = more[1:]
    found += more


def _cut(found: list[Line], limit: int, after: int, ended: bool) -> int:
    """Take from the end of a page what is too much or not whole; returns the line to go on with."""
    if len(found) > limit:
        after = found[limit].number
        del found[limit:]
    elif not ended and len(found) > 1 and found[-1].partial:
        after = found.pop().number
    return after
