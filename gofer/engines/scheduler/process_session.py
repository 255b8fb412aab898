"""A command beside a running job's own, with pipes or a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import struct
import termios
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from gofer.engines.scheduler.base import Chunk
from gofer.engines.scheduler.process_connection import Connection
from gofer.models.log import Stream

_READ = 65536
_PIPE = 1 << 20
_END_OF_INPUT = b"\x04"
_KILLED = 137


class ProcessSession:
    """See `base.Session`. Made by `open_session`. `outputs` are read ends, `terminal` is -1 without one."""

    def __init__(self, connection: Connection, outputs: dict[int, Stream], stdin: int, terminal: int) -> None:
        self._connection = connection
        self._outputs = outputs
        self._stdin = stdin
        self._terminal = terminal
        self._refusal: Chunk | None = None
        self._code: int | None = None

    def refuse(self, text: str, code: int) -> None:
        """The command could not be started: say so as a shell would."""
        self._refusal = Chunk("stdout" if self._terminal != -1 else "stderr", text.encode(), time.time_ns())
        self._code = code

    async def output(self) -> AsyncIterator[Chunk]:
        """See `base.Session.output`."""
        if self._refusal is not None:
            yield self._refusal
            return
        while self._outputs:
            seen, over = self._connection.count, self._connection.gone
            moved = False
            for fd in list(self._outputs):
                chunk = self._read(fd)
                if chunk is not None:
                    moved = True
                    yield chunk
            if moved:
                continue
            if over:
                # What the command left running in the background may hold the pipes open for ever.
                return
            if self._outputs:
                await self._readable(seen)

    async def write(self, data: bytes) -> None:
        """See `base.Session.write`."""
        rest = memoryview(data)
        while rest and self._stdin != -1 and not self._connection.gone:
            try:
                rest = rest[os.write(self._stdin, rest) :]
            except BlockingIOError:
                await self._writable()
            except OSError:
                return

    async def close_input(self) -> None:
        """See `base.Session.close_input`. In a terminal this is its end-of-input character."""
        if self._terminal != -1:
            await self.write(_END_OF_INPUT)
        elif self._stdin != -1:
            os.close(self._stdin)
            self._stdin = -1

    async def resize(self, columns: int, rows: int) -> None:
        """See `base.Session.resize`."""
        if self._terminal != -1:
            set_size(self._terminal, columns, rows)

    async def exit_code(self) -> int:
        """See `base.Session.exit_code`. 137 if it went down with the job."""
        if self._code is None:
            code = await self._connection.ended()
            self._code = _KILLED if code is None else code
        return self._code

    async def close(self) -> None:
        """See `base.Session.close`. The command is killed."""
        self._connection.close()
        loop = asyncio.get_running_loop()
        for fd in {*self._outputs, self._stdin, self._terminal} - {-1}:
            loop.remove_reader(fd)
            loop.remove_writer(fd)
            os.close(fd)
        self._outputs, self._stdin, self._terminal = {}, -1, -1

    def _read(self, fd: int) -> Chunk | None:
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return None
        except OSError as error:
            # A terminal's end, once nobody has it open.
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            return Chunk(self._outputs[fd], data, time.time_ns())
        del self._outputs[fd]
        if fd != self._terminal:
            os.close(fd)
        return None

    async def _readable(self, seen: int) -> None:
        """Returns when there may be output, or the connection said something since `seen`."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        for fd in self._outputs:
            loop.add_reader(fd, readable.set)
        try:
            await _first(readable.wait(), self._connection.changed(seen))
        finally:
            for fd in self._outputs:
                loop.remove_reader(fd)

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._stdin, writable.set)
        try:
            await _first(writable.wait(), self._connection.ended())
        finally:
            if self._stdin != -1:
                loop.remove_writer(self._stdin)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Returns when one of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def open_session(
    connection: Connection, command: Sequence[str], *, terminal: bool, columns: int, rows: int
) -> ProcessSession:
    """Have the shim at the other end start the command. Raises OSError if the shim is gone."""
    if terminal:
        session, theirs = _with_terminal(connection, columns, rows)
    else:
        session, theirs = _with_pipes(connection)
    try:
        # The descriptors travel with the first byte; the line may be longer than one write.
        connection.say(b" ", theirs)
        await connection.order(json.dumps({"exec": list(command), "terminal": terminal}).encode() + b"\n")
        answer = await connection.answer()
        if answer is None:
            raise OSError(errno.ESRCH, "it has just ended")
    except BaseException:
        await session.close()
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    if answer.startswith("failed"):
        problem = int(answer.split()[1])
        session.refuse(f"{command[0]}: {os.strerror(problem)}\n", 127 if problem == errno.ENOENT else 126)
    return session


def set_size(terminal: int, columns: int, rows: int) -> None:
    """Of a terminal, in characters. Sizes that a terminal cannot have are cut."""
    size = struct.pack("4H", min(max(rows, 0), 0xFFFF), min(max(columns, 0), 0xFFFF), 0, 0)
    with contextlib.suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


def _with_terminal(connection: Connection, columns: int, rows: int) -> tuple[ProcessSession, list[int]]:
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    set_size(ours, columns, rows)
    return ProcessSession(connection, {ours: "stdout"}, ours, ours), [theirs]


def _with_pipes(connection: Connection) -> tuple[ProcessSession, list[int]]:
    stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
    for fd in (stdin[1], stdout[0], stderr[0]):
        os.set_blocking(fd, False)
        with contextlib.suppress(OSError):
            # Who writes much before he reads should not stop a command that answers at once.
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE)
    session = ProcessSession(connection, {stdout[0]: "stdout", stderr[0]: "stderr"}, stdin[1], -1)
    return session, [stdin[0], stdout[1], stderr[1]]
