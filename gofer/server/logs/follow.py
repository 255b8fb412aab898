"""Following a log: what is there from some line on, then what comes, until the log is complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable

from gofer.models.run import LogState
from gofer.server.logs.feed import Feed
from gofer.server.logs.frames import end_frame
from gofer.server.logs.record import Mark

_RECHECK = 1.0
"""Seconds between two questions after the state of a log that nobody writes to."""


async def follow(
    feed: Feed, first: int, stream: int, state: Callable[[], Awaitable[LogState]]
) -> AsyncGenerator[str, None]:
    """Encoded frames from line `first` on (negative: from the end; 0: only what comes), the last a `LogEnd`.

    `stream`: only lines of that one. `state` is asked only while nobody writes to the log. Ends without a `LogEnd`
    when the server stops.
    """
    here: Mark | None = None
    while not feed.closed:
        if feed.expired:
            break
        if here is None and feed.end.lines >= first:
            here = await feed.locate(first, stream)
        if here is not None and here.offset < feed.end.offset:
            frame = await feed.frame(here, stream)
            here = frame.next
            if frame.text:
                yield frame.text
        elif feed.finished or not await more(feed, state):
            break
    if not feed.closed:
        yield end_frame("expired" if feed.expired else "complete", feed.end.lines)


async def more(feed: Feed, state: Callable[[], Awaitable[LogState]]) -> bool:
    """Waits for more than `feed.end`, or for a reason to look again. False: no more can come."""
    if feed.live:
        await feed.changed(None)
        return True
    known, end = await state(), feed.end
    if known == "open":
        await feed.changed(_RECHECK)
    await feed.refresh()
    feed.expired = feed.expired or known == "expired"
    return known == "open" or feed.live or feed.end.offset > end.offset
