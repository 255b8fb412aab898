"""The logs of all attempts, as the rest of the server sees them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gofer.engines.scheduler.base import Chunk, Position
from gofer.errors import ConfigError, NotFound
from gofer.models.log import LogPage, Stream
from gofer.models.run import LogState
from gofer.server.clock import Clock
from gofer.server.logs import folder
from gofer.server.logs.feed import Feed
from gofer.server.logs.file import LogFile, stream_number
from gofer.server.logs.folder import LogId as LogId
from gofer.server.logs.folder import log_path
from gofer.server.logs.follow import follow
from gofer.server.logs.mask import Masks
from gofer.server.logs.owner import Ownership
from gofer.server.logs.page import read_page
from gofer.server.logs.raw import RawReader
from gofer.server.logs.record import Mark
from gofer.server.logs.thread import in_thread
from gofer.server.logs.writer import Writer

_YIELD_AFTER = 512 * 1024
_REMEMBERED = 4096


class LogSize(NamedTuple):
    """`lines` as they are numbered; `bytes` of both streams together, without Gofer's own notes.

    Bytes that the file has: as many as were printed, unless something was hidden.
    """

    lines: int
    bytes: int


class Logs:
    """Every method names a log by its LogId and raises InvalidInput if that is none.

    `fault`: why logs cannot be written now, "" if all is well; `on_fault` is called in the loop when it changes.
    `captured_bytes`: what was printed since this object was made.
    """

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._ownership = Ownership(root)
        self._clock = clock
        self._writers: dict[LogId, Writer] = {}
        self._masks: dict[LogId, Masks] = {}
        self._feeds: dict[LogId, Feed] = {}
        self._faults: dict[LogId, str] = {}
        self._finished: OrderedDict[LogId, None] = OrderedDict()
        # Being captured, without a byte so far.
        self._silent: set[LogId] = set()
        self._turn = asyncio.Lock()
        self._closed = False
        self.fault = ""
        self.captured_bytes = 0
        self.on_fault: Callable[[str], None] | None = None

    async def open(self) -> None:
        """Make the folder. Raises ConfigError if that cannot be, or nothing can be written there."""
        try:
            await in_thread(partial(folder.prepare, self._root))
        except OSError as error:
            raise _unusable(self._root, error) from None
        self._closed = False

    async def claim(self, server_id: str) -> None:
        """Take the folder for the server with this id, see `Ownership.claim`. Raises ConfigError."""
        try:
            await in_thread(partial(self._ownership.claim, server_id))
        except OSError as error:
            raise _unusable(self._root, error) from None

    async def close(self) -> None:
        """Send every follower away, write what can be written now, free everything."""
        self._closed = True
        for feed in self._feeds.values():
            feed.dismiss()
        for writer in self._writers.values():
            writer.release()
            writer.close()
        self._writers.clear()
        self._masks.clear()
        self._ownership.release()

    def protect(self, log: LogId, masks: Masks) -> None:
        """Hide these values in all that will be captured and noted, until `finish`; call before any of that.

        Called again, the new masks replace the old ones. Raises OSError.
        """
        if masks:
            self._masks[log] = masks
        else:
            self._masks.pop(log, None)
        if log in self._writers:
            self._writers[log].protect(masks)

    async def position(self, log: LogId) -> Position:
        """The bytes of each stream of the source that the file holds; a torn record at its end is cut off first.

        Bytes as they are printed: where something was hidden, or is held back as it may have to be, that is counted.
        """
        if log not in self._writers and not log_path(self._root, log).exists():
            return Position()
        writer = await self._writer(log)
        await writer.settle()
        return writer.position()

    async def capture(self, log: LogId, chunks: AsyncIterator[Chunk]) -> LogSize:
        """Append everything that `chunks` gives, until it ends; returns what the file holds then.

        What `chunks` raises passes through after everything received was written; so does cancellation, except that
        it does not wait for a full disk. `position` tells where to go on, in this process or a later one. Of what
        prints nothing there is no file.
        """
        writer = None if self._begins_silent(log) else await self._writer(log)
        taken = 0
        try:
            async for chunk in chunks:
                if writer is None:
                    writer = await self._writer(log)
                    self._silent.discard(log)
                writer.take(chunk)
                taken += len(chunk.data)
                self.captured_bytes += len(chunk.data)
                await writer.room()
                if taken >= _YIELD_AFTER:
                    taken = 0
                    await asyncio.sleep(0)
            if writer is not None:
                writer.end()
        except asyncio.CancelledError:
            raise
        except Exception:
            if writer is not None:
                writer.release()
                await writer.settle()
            raise
        finally:
            self._silent.discard(log)
            if writer is not None:
                writer.release()
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        if writer is None:
            return _size(self._end(log) or Mark())
        await writer.settle()
        return _size(writer.written)

    async def note(self, log: LogId, text: str) -> None:
        """Add one line of Gofer's own, shown on stderr as `gofer: text`."""
        writer = await self._writer(log)
        await writer.room()
        writer.note(f"gofer: {text}", self._clock.now() * 1_000_000)
        await writer.settle()

    async def finish(self, log: LogId) -> LogSize:
        """Nothing more will come: close the file, send the followers away when they have read it. Idempotent."""
        if log in self._writers or log_path(self._root, log).exists():
            writer = await self._writer(log)
            writer.release()
            await writer.settle()
            end = writer.written
            self._drop_writer(log)
        else:
            end = Mark()
        self._masks.pop(log, None)
        self._finished[log] = None
        while len(self._finished) > _REMEMBERED:
            self._finished.popitem(last=False)
        if log in self._feeds:
            self._feeds[log].finish(end)
        return _size(end)

    async def read(
        self, log: LogId, first: int, limit: int, stream: Stream | None, complete: bool, *, of_stream: bool = False
    ) -> LogPage:
        """At most `limit` lines from line `first` on, which counts from 1; -100 is the first of the last 100 lines.

        `stream`: only its lines (they keep their numbers); a negative `first` then counts only those, with `of_stream`
        a positive one too. A page has at most about 1 MiB of text: it ends early, and of a single line that is longer
        only the beginning is there, as a partial one. `complete`: what to put into the page, and whether an
        unterminated last line is still awaited. Raises NotFound if there is no file, DamagedLog.
        """

        def page(file: LogFile) -> LogPage:
            return read_page(file, first, limit, stream_number(stream), complete, of_stream=of_stream)

        return await in_thread(partial(self._read, log, page, self._end(log)))

    async def follow(
        self, log: LogId, first: int, stream: Stream | None, is_complete: Callable[[], Awaitable[LogState]]
    ) -> AsyncGenerator[str, None]:
        """JSON text frames (LogFrame) from line `first` on, then as lines come, every 20 ms; at the end a LogEnd.

        `first` and `stream` as in `read`; 0: only what comes from now on. A line that is going on may come in
        several frames, each with more of its text. Works before the file exists. `is_complete` is asked only while
        nobody writes to the log. Ends without a LogEnd when the server stops. Raises DamagedLog.
        """
        async with (
            self.joined(log) as feed,
            aclosing(follow(feed, first, stream_number(stream), is_complete)) as frames,
        ):
            async for frame in frames:
                yield frame

    @asynccontextmanager
    async def joined(self, log: LogId) -> AsyncGenerator[Feed, None]:
        """How far the log goes, and a wake-up when it grows. Works before the file exists."""
        feed = self._join(log)
        try:
            await feed.refresh()
            if log in self._finished:
                feed.finish(feed.end)
            yield feed
        finally:
            feed.users -= 1
            if feed.users == 0:
                self._feeds.pop(log, None)
                feed.free()

    def has(self, log: LogId) -> bool:
        """Whether there is a file of this log."""
        return log_path(self._root, log).exists()

    async def file(self, log: LogId) -> LogFile:
        """The file of this log, open: close it. Raises NotFound if there is none."""
        found = LogFile(log_path(self._root, log))
        try:
            await in_thread(partial(found.open, self._end(log)))
        except FileNotFoundError:
            raise _not_found(log) from None
        return found

    def raw(self, log: LogId, *, timestamps: bool, stream: Stream | None, first: int = 1) -> AsyncIterator[bytes]:
        """The bytes that were printed, exactly, without Gofer's notes; or, with `timestamps`, `time stream text` lines.

        Both go up to the end that the log has when the download begins, in constant memory. Raises NotFound at once
        if there is no file, DamagedLog while it goes on.
        """
        if not self.has(log):
            raise _not_found(log)
        return self._raw(log, first, stream_number(stream), timestamps)

    async def delete_runs(self, namespace: str, pipeline: str, numbers: Sequence[int]) -> list[OSError]:
        """Remove the logs of several runs of a pipeline that have ended, in one go.

        What cannot be removed stays; returns why.
        """
        for number in numbers:
            folder.check_run(namespace, pipeline, number)
        gone = {(namespace, pipeline, number) for number in numbers}
        self._let_go(lambda log: log[:3] in gone)

        def discard() -> list[OSError]:
            failures = []
            for number in numbers:
                try:
                    folder.discard(self._root, namespace, pipeline, str(number))
                except OSError as error:
                    failures.append(error)
            return failures

        return await in_thread(discard)

    async def delete_pipeline(self, namespace: str, pipeline: str) -> None:
        """Remove the logs of a pipeline whose runs have all ended."""
        folder.check_run(namespace, pipeline, 1)
        self._let_go(lambda log: log[:2] == (namespace, pipeline))
        await in_thread(partial(folder.discard, self._root, namespace, pipeline))

    @property
    def root(self) -> Path:
        """The folder of the logs."""
        return self._root

    async def _raw(self, log: LogId, first: int, stream: int, timestamps: bool) -> AsyncIterator[bytes]:
        file = await self.file(log)
        try:
            reader = RawReader(file, first, stream, timestamps)
            while (piece := await in_thread(reader.next)) is not None:
                if piece:
                    yield piece
        finally:
            file.close()

    def _read(self, log: LogId, page: Callable[[LogFile], LogPage], end: Mark | None) -> LogPage:
        file = LogFile(log_path(self._root, log))
        try:
            file.open(end)
            return page(file)
        except FileNotFoundError:
            raise _not_found(log) from None
        finally:
            file.close()

    def _end(self, log: LogId) -> Mark | None:
        """How far the log goes, if its writer can tell."""
        writer = self._writers.get(log)
        if writer is not None and writer.opened:
            return writer.written
        return Mark() if log in self._silent else None

    def _begins_silent(self, log: LogId) -> bool:
        """Whether a capture begins with nothing, so that the file can wait for the first bytes: followers are told."""
        if log in self._writers or log_path(self._root, log).exists():
            return False
        self._finished.pop(log, None)
        self._silent.add(log)
        if log in self._feeds:
            self._feeds[log].advance(Mark())
        return True

    async def _writer(self, log: LogId) -> Writer:
        writer = self._writers.get(log)
        if writer is None:
            path = log_path(self._root, log)
            masks = self._masks.get(log) or Masks(())
            writer = Writer(path, partial(self._written, log), partial(self._fault, log), masks)
            self._writers[log] = writer
            self._finished.pop(log, None)
        await writer.open()
        return writer

    def _drop_writer(self, log: LogId) -> None:
        self._writers.pop(log).close()
        self._fault(log, "")

    def _written(self, log: LogId, end: Mark) -> None:
        feed = self._feeds.get(log)
        if feed is not None:
            feed.advance(end)

    def _fault(self, log: LogId, text: str) -> None:
        if text:
            self._faults[log] = text
        else:
            self._faults.pop(log, None)
        fault = next(iter(self._faults.values()), "")
        if fault != self.fault:
            self.fault = fault
            if self.on_fault is not None:
                self.on_fault(fault)

    def _join(self, log: LogId) -> Feed:
        feed = self._feeds.get(log)
        if feed is None:
            feed = self._feeds[log] = Feed(log_path(self._root, log), self._turn)
            end = self._end(log)
            if end is not None:
                feed.advance(end)
        if self._closed:
            feed.dismiss()
        feed.users += 1
        return feed

    def _let_go(self, is_gone: Callable[[LogId], bool]) -> None:
        """Nobody writes these logs any more, and who follows one is told that it is expired."""
        for log in [log for log in self._writers if is_gone(log)]:
            self._drop_writer(log)
        for log in [log for log in self._masks if is_gone(log)]:
            del self._masks[log]
        for log, feed in self._feeds.items():
            if is_gone(log):
                feed.expire()


def _unusable(root: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The folder of the logs, {root}, cannot be used: {error.strerror}.",
        "Make it writable for Gofer, or set task_run_logs_dir to another folder.",
    )


def _size(end: Mark) -> LogSize:
    return LogSize(end.lines, end.stdout_bytes + end.stderr_bytes)


def _not_found(log: LogId) -> NotFound:
    return NotFound(
        f"Attempt {log.attempt} of task {log.task} in run {log.run} of {log.namespace}/{log.pipeline} has no log.",
        "It may not have printed anything yet, or its log may have expired (setting task_run_log_expiry).",
    )
