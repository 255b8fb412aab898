"""Appending to one attempt's log file, whatever the disk does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gofer.engines.scheduler.base import Chunk, Position
from gofer.server.logs import index
from gofer.server.logs.encode import Encoder
from gofer.server.logs.file import LogFile
from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_recover import cut_doubtful, is_doubtful
from gofer.server.logs.masking import Masking, needs_masking
from gofer.server.logs.record import STREAMS, Mark
from gofer.server.logs.thread import in_thread

BUFFER = 64 * 1024
_PIECE = 64 * 1024
_RETRY_FIRST, _RETRY_MOST = 0.1, 2.0
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Writer:
    """The one that appends to a log file. Used in the event loop only.

    What is taken is written at the next turn of the loop, or at once when there is much of it. When that fails
    (a full disk, mostly) it is kept and tried again until it works; meanwhile `room` waits, so that nothing more
    is taken. `on_written` is told the end of the file after each write; `on_fault` why the disk refuses, and "" when
    it takes again. What `masks` hide is never in the file.
    """

    def __init__(
        self, path: Path, on_written: Callable[[Mark], None], on_fault: Callable[[str], None], masks: Masks
    ) -> None:
        self._path = path
        self._masks = masks
        self._masking: Masking | None = None
        self._times = [0, 0]
        self._on_written = on_written
        self._on_fault = on_fault
        self._opening = asyncio.Lock()
        self._fd = -1
        self._encoder = Encoder(Mark())
        self._indexed = 0
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._stuck = memoryview(b"")
        self._goal = Mark()
        self._free = asyncio.Event()
        self._free.set()
        self._flush_handle: asyncio.Handle | None = None
        self._tail_timer: asyncio.TimerHandle | None = None
        self._retry_timer: asyncio.TimerHandle | None = None
        self._pause = _RETRY_FIRST
        self.written = Mark()

    async def open(self) -> None:
        """Open the file, making it if need be; a torn record at its end is cut off. Waits while the disk refuses.

        Idempotent.
        """
        async with self._opening:
            while self._fd < 0:
                try:
                    await self._open()
                except OSError as error:
                    self._on_fault(fault_text(self._path, error))
                    await asyncio.sleep(self._next_pause())
                else:
                    self._pause = _RETRY_FIRST
                    self._on_fault("")

    @property
    def opened(self) -> bool:
        """Whether the file is open, so that `written` is true."""
        return self._fd >= 0

    def protect(self, masks: Masks) -> None:
        """From now on hide these values, not those given before. Blocks shortly; raises OSError."""
        self._masks = masks
        if self._masking is not None:
            self._masking.protect(masks)
        elif self.opened and masks:
            self._masking = Masking(self._path, masks, self._encoder.mark())

    def position(self) -> Position:
        """What was taken of each stream and stands in the file or will, but for text that is still held back.

        In bytes of what came, whatever stands for them in the file.
        """
        mark = self._encoder.mark()
        if self._masking is not None:
            return self._masking.position(mark)
        return Position(mark.stdout_bytes, mark.stderr_bytes)

    def take(self, chunk: Chunk) -> None:
        """Take what a container printed. Call only when `room` has returned.

        Everything that a container's log ever has passes here, as it came, before it is made into records.
        """
        data, stream = chunk.data, STREAMS.index(chunk.stream)
        now = asyncio.get_running_loop().time()
        for begin in range(0, len(data), _PIECE):
            piece = data if len(data) <= _PIECE else data[begin : begin + _PIECE]
            if self._masking is not None:
                self._times[stream] = chunk.at
                piece = self._masking.feed(stream, piece)
            self._put(self._encoder.add(stream, piece, chunk.at, now))
        if self._tail_timer is None:
            self._watch_tails()

    def note(self, text: str, at: int) -> None:
        """One line of Gofer's own. `at` in ns since the epoch."""
        self._put(self._encoder.note(self._masks.text(text), at))

    async def room(self) -> None:
        """Waits until more may be taken."""
        if not self._free.is_set():
            await self._free.wait()

    def end(self) -> None:
        """Both streams have ended: what was held back as the beginning of a hidden value is none."""
        if self._masking is not None:
            now = asyncio.get_running_loop().time()
            for stream, at in enumerate(self._times):
                if rest := self._masking.flush(stream):
                    self._put(self._encoder.add(stream, rest, at, now))
        self.release()

    def release(self) -> None:
        """Nothing more comes for now: write everything that was taken, held text as well.

        But for what may be the beginning of a hidden value: that has to come again, see `position`.
        """
        if self._masking is not None:
            self._masking.restart()
        self._put(self._encoder.release_all())
        self._flush()

    async def settle(self) -> None:
        """Waits until everything that was taken is in the file, but for text that is held back."""
        self._flush()
        while not self._free.is_set():
            await self._free.wait()
            self._flush()

    def close(self) -> None:
        """Free the file. What could not be written by now is given up; `position` of a next one tells."""
        for handle in (self._flush_handle, self._tail_timer, self._retry_timer):
            if handle is not None:
                handle.cancel()
        self._flush_handle = self._tail_timer = self._retry_timer = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def _open(self) -> None:
        # In a thread: while something else is synced to the same disk, making a file may take milliseconds.
        found: list[tuple[int, Mark, Masking | None]] = []
        try:
            await in_thread(lambda: found.append(_open_file(self._path, self._masks)))
        except BaseException:
            for fd, _, _ in found:
                os.close(fd)
            raise
        self._fd, self.written, self._masking = found[0]
        self._encoder = Encoder(self.written)
        self._indexed = self.written.offset
        self._on_written(self.written)

    def _put(self, records: bytes) -> None:
        if not records:
            return
        self._buffer.append(records)
        self._buffered += len(records)
        if self._buffered >= BUFFER:
            self._flush()
        elif self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._buffer and not self._stuck:
            self._stuck = memoryview(b"".join(self._buffer))
            self._goal = self._encoder.mark()
            self._buffer.clear()
            self._buffered = 0
            self._write()

    def _write(self) -> None:
        """Write what is stuck, all of it or as much as the disk takes now."""
        self._retry_timer = None
        try:
            if self._masking is not None:
                self._masking.save(self._goal)
            while self._stuck:
                self._stuck = self._stuck[os.write(self._fd, self._stuck) :]
        except OSError as error:
            if self._free.is_set():
                self._free.clear()
                self._on_fault(fault_text(self._path, error))
            self._retry_timer = asyncio.get_running_loop().call_later(self._next_pause(), self._write)
            return
        self._wrote()

    def _wrote(self) -> None:
        self.written = self._goal
        if self.written.offset - self._indexed >= index.SPACING:
            with suppress(OSError):  # an index with gaps is only slower
                index.append(self._path.with_suffix(".idx"), [self.written])
            self._indexed = self.written.offset
        if not self._free.is_set():
            self._pause = _RETRY_FIRST
            self._free.set()
            self._on_fault("")
            self._flush()
        self._on_written(self.written)

    def _next_pause(self) -> float:
        pause = self._pause
        self._pause = min(pause * 2, _RETRY_MOST)
        return pause

    def _watch_tails(self) -> None:
        """See to it that held text is written in time, with one timer at most."""
        due = self._encoder.due()
        if due is not None:
            self._tail_timer = asyncio.get_running_loop().call_at(due, self._release_old)

    def _release_old(self) -> None:
        self._tail_timer = None
        # The loop's timers may be early by the resolution of its clock.
        self._put(self._encoder.release(asyncio.get_running_loop().time() + 0.002))
        self._watch_tails()


def _open_file(path: Path, masks: Masks) -> tuple[int, Mark, Masking | None]:
    """A descriptor that appends, where the file ends, and what masks it, if anything does or has done.

    The file and its folders are made if need be. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(path, _FLAGS, 0o600)
    try:
        found = os.fstat(fd)
        end = recover(path) if found.st_size else Mark()
        if not masks and not needs_masking(path):
            return fd, end, None
        if masks:
            masks.compile()
        if end.offset and is_doubtful(found):
            end = cut_doubtful(path, end)
        return fd, end, Masking(path, masks, end)
    except BaseException:
        os.close(fd)
        raise


def recover(path: Path) -> Mark:
    """The end of the last whole record; what stands behind it is cut off. Raises OSError."""
    log = LogFile(path)
    log.open()
    log.close()
    with suppress(OSError):
        index.cut_behind(path.with_suffix(".idx"), log.end)
    os.truncate(path, log.end.offset)
    return log.end


def fault_text(path: Path, error: OSError) -> str:
    """What to tell people about a log file that cannot be written."""
    return f"A log cannot be written to {path.parent}: {os.strerror(error.errno or 0)}; waiting, nothing is lost."
