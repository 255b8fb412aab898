"""From a command's pipes to its record, in a thread of the shim: a disk that is slow or full holds up only this.

Standard library only.
"""

from __future__ import annotations

import _thread
import os
import select
import time
from collections.abc import Callable

from gofer.engines.scheduler.process_record import FRAME, STDERR, STDOUT

_READ = 65536
_RETRY = 0.25


class Pump:
    """Reads whatever comes on `pipes` (stdout, stderr) and appends it to the record, each piece with its time.

    `wrote` is called after every piece or two. Both callbacks run in the pump's own thread.
    """

    def __init__(self, pipes: tuple[int, int], wrote: Callable[[], None]) -> None:
        self._streams = dict(zip(pipes, (STDOUT, STDERR), strict=True))
        self._wrote = wrote
        self._open = len(pipes)
        self._record = -1
        self._frame = bytearray(FRAME.size + _READ)
        self._last_time = 0
        self._no_more, self._say_no_more = os.pipe()
        self._poller = select.poll()
        for fd in (*pipes, self._no_more):
            self._poller.register(fd, select.POLLIN)

    def start(self, record: int, finished: Callable[[], None]) -> None:
        """Begin; `finished` is called when everything is in the record and nothing more will come."""
        self._record = record
        _thread.start_new_thread(self._run, (finished,))

    def drain(self) -> bool:
        """Nobody writes any more: take what is in the pipes, and finish. True if that has been done already."""
        if self._open == 0:
            return True
        for fd in self._streams:
            # Somebody to whom the job gave its pipe might hold it open for ever.
            os.set_blocking(fd, False)
        os.write(self._say_no_more, b"1")
        return False

    def _run(self, finished: Callable[[], None]) -> None:
        while self._step():
            pass
        finished()

    def _step(self) -> bool:
        ready = [fd for fd, _ in self._poller.poll()]
        moved = [fd for fd in ready if fd in self._streams and self._move(fd)]
        if moved:
            self._wrote()
        return bool(moved) or self._no_more not in ready

    def _move(self, fd: int) -> bool:
        view = memoryview(self._frame)
        try:
            size = os.readv(fd, [view[FRAME.size :]])
        except BlockingIOError:
            return False
        if size == 0:
            # Stays open, or its number would be another's when `drain` comes.
            self._poller.unregister(fd)
            self._open -= 1
            return False
        self._last_time = max(self._last_time, time.time_ns())
        FRAME.pack_into(self._frame, 0, self._last_time, size, self._streams[fd])
        self._append(view[: FRAME.size + size])
        return True

    def _append(self, data: memoryview) -> None:
        """All of it, however long the disk has no room."""
        while data:
            try:
                data = data[os.write(self._record, data) :]
            except OSError:
                time.sleep(_RETRY)
