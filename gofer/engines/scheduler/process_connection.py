"""Gofer's end of a connection to a shim."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence

from gofer.engines.scheduler.process_record import address

_READ = 65536


class Connection:
    """Hears a shim's lines. `count` grows with everything heard; `gone` is true once nothing more can come.

    `exit_code` is set as soon as the shim has said it.
    """

    def __init__(self, connection: socket.socket, on_gone: Callable[[Connection], None] | None = None) -> None:
        self._socket = connection
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()
        self._rest = b""
        self._first: str | None = None
        self.count = 0
        self.gone = False
        self.exit_code: int | None = None
        connection.setblocking(False)
        self._loop.add_reader(connection.fileno(), self._hear)

    async def order(self, line: bytes) -> None:
        """Send a line of any length. Raises OSError if the shim is gone."""
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await self._writable()

    def say(self, line: bytes, fds: Sequence[int] = ()) -> None:
        """Send a short line, with file descriptors if need be. Raises OSError if the shim is gone."""
        socket.send_fds(self._socket, [line], list(fds)) if fds else self._socket.send(line)

    async def answer(self) -> str | None:
        """The first line that came; None if the shim went without one."""
        while self._first is None and not self.gone:
            await self.changed(self.count)
        return self._first

    async def ended(self) -> int | None:
        """Waits for the exit code; None if the shim went without telling one."""
        while self.exit_code is None and not self.gone:
            await self.changed(self.count)
        return self.exit_code

    async def changed(self, seen: int) -> None:
        """Returns once `count` is another than `seen`."""
        while self.count == seen and not self.gone:
            future = self._loop.create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)

    async def _writable(self) -> None:
        fd = self._socket.fileno()
        self._loop.add_writer(fd, self._wake)
        try:
            await self.changed(self.count)
        finally:
            if not self.gone:
                self._loop.remove_writer(fd)

    def close(self) -> None:
        """Hang up. Idempotent; whoever waits wakes."""
        if self.gone:
            return
        self.gone = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._wake()
        if self._on_gone is not None:
            self._on_gone(self)

    def _hear(self) -> None:
        try:
            data = self._socket.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._first is None:
                self._first = line.decode()
            elif line.startswith((b"ended ", b"exit ")):
                self.exit_code = int(line.split()[1])
        if data and self.exit_code is None:
            self._wake()
        else:
            self.close()

    def _wake(self) -> None:
        self.count += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


def connect(token: str, on_gone: Callable[[Connection], None] | None = None) -> Connection | None:
    """A connection to the shim with this token; None if it lives no more. Raises OSError for anything else."""
    raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        raw.setblocking(False)
        raw.connect(address(token))
    except ConnectionRefusedError:
        raw.close()
        return None
    except OSError:
        raw.close()
        raise
    return Connection(raw, on_gone)


def lives(token: str) -> bool:
    """Whether the shim with this token lives."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw, contextlib.suppress(BlockingIOError):
        raw.setblocking(False)
        try:
            raw.connect(address(token))
        except ConnectionRefusedError:
            return False
    return True
