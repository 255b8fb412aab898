"""What the followers of one log share: how far it goes, a wake-up when it grows, and frames encoded once for all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from pathlib import Path

from gofer.server.logs.file import BLOCK, LogFile
from gofer.server.logs.frames import Frame
from gofer.server.logs.record import Mark
from gofer.server.logs.thread import in_thread

INTERVAL = 0.02
"""Seconds between two wake-ups of the followers, at least: what comes between them is one batch."""

_KEPT_FRAMES = 12


class Feed:
    """Of one attempt; lives as long as somebody follows. Used in the event loop only.

    `end`: how far followers may read. It moves at most every `INTERVAL`, so that all who are at the live tail read
    the same pieces and share their frames; who is slower reads on from the file, in pieces of its own.
    `live`: somebody writes to the log. `finished`, `expired`, `closed`: why nothing more will come.
    `users`: how many follow; its owner counts them.
    """

    def __init__(self, path: Path, turn: asyncio.Lock) -> None:
        self._path = path
        self._file = LogFile(path)
        self._size = 0
        self._turn = turn
        self._written = Mark()
        self._waiting: list[asyncio.Future[None]] = []
        self._publish_handle: asyncio.TimerHandle | None = None
        self._published_at = 0.0
        self._frames: OrderedDict[tuple[int, int], Frame] = OrderedDict()
        self.end = Mark()
        self.users = 0
        self.live = False
        self.finished = False
        self.expired = False
        self.closed = False

    def advance(self, end: Mark) -> None:
        """The file goes to `end` now, as its writer says."""
        self.live = True
        self._written = end
        if self._publish_handle is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._published_at + INTERVAL
        if due <= loop.time():
            self._publish()
        else:
            self._publish_handle = loop.call_at(due, self._publish)

    def finish(self, end: Mark) -> None:
        """Nothing more will be written."""
        self._written = end
        self.finished = True
        self._publish()

    def expire(self) -> None:
        """The log was removed; who has not read it to its end by now will not."""
        self.expired = True
        self._publish()

    def dismiss(self) -> None:
        """Send everybody away, as the server stops."""
        self.closed = True
        self._publish()

    def free(self) -> None:
        """Free everything. Call when nobody follows any more."""
        if self._publish_handle is not None:
            self._publish_handle.cancel()
            self._publish_handle = None
        self._frames.clear()
        self._file.close()

    async def changed(self, timeout: float | None) -> None:
        """Waits for the next wake-up, at most `timeout` seconds."""
        if self.finished or self.expired or self.closed:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if timeout is None:
            await waiter
        else:
            await asyncio.wait([waiter], timeout=timeout)
            if not waiter.done():
                self._waiting.remove(waiter)

    async def refresh(self) -> None:
        """Find out from the file itself how far it goes; for a log that nobody writes to now."""
        if self.live or self.finished:
            return
        end = await in_thread(self._measure)
        # A writer may have come meanwhile, and knows better.
        if end is not None and not self.live and not self.finished and not self.closed:
            self.end = self._written = end

    async def locate(self, first: int, stream: int) -> Mark:
        """Where to begin: see `LogFile.locate_first`."""
        if self.end.offset == 0:
            return Mark()
        self._open()
        return await in_thread(partial(self._file.locate_first, first, stream))

    async def frame(self, mark: Mark, stream: int) -> Frame:
        """The lines from `mark` on, but not past `end`; `mark` is before `end`."""
        frame = self._cached(mark, stream)
        if frame is not None:
            return frame
        if self.end.offset - mark.offset <= BLOCK:
            return await self._encode(mark, stream)
        # Who has much to catch up with takes turns, one frame at each turn of the loop for all of them together,
        # so that they never hold up who is at the live tail.
        async with self._turn:
            frame = self._cached(mark, stream)
            if frame is None:
                frame = await self._encode(mark, stream)
                await asyncio.sleep(0)
            return frame

    def _cached(self, mark: Mark, stream: int) -> Frame | None:
        key = (mark.offset, stream)
        if key not in self._frames:
            return None
        self._frames.move_to_end(key)
        return self._frames[key]

    async def _encode(self, mark: Mark, stream: int) -> Frame:
        self._open()
        key, end = (mark.offset, stream), self.end
        mark = self._file.skip(mark, stream)
        block = self._file.block_if_cached(mark.offset, end.offset)
        if block is None:
            block = await in_thread(partial(self._file.block, mark.offset, end.offset))
        frame = Frame(block, mark, stream)
        self._frames[key] = frame
        if len(self._frames) > _KEPT_FRAMES:
            self._frames.popitem(last=False)
        return frame

    def _open(self) -> None:
        if self._file.fileno() < 0:
            self._file.open(self.end)
        self._file.end = self.end

    def _measure(self) -> Mark | None:
        """The end of the file, None if there is none or it has not grown since."""
        file = LogFile(self._path)
        with suppress(FileNotFoundError):
            size = self._path.stat().st_size
            if size == self._size:
                return None
            try:
                file.open()
                self._size = size
                return file.end
            finally:
                file.close()
        return None

    def _publish(self) -> None:
        if self._publish_handle is not None:
            self._publish_handle.cancel()
            self._publish_handle = None
        self._published_at = asyncio.get_running_loop().time()
        self.end = max(self.end, self._written)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
