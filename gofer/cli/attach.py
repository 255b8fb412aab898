"""A command inside a running container, as if it ran here: input, output, terminal and exit code."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gofer.cli.exit_codes import ExitCode
from gofer.cli.interrupts import Interrupted, run_interruptible
from gofer.cli.terminal import is_terminal
from gofer.client.address import Server
from gofer.client.http import Query
from gofer.client.websocket import open_websocket
from gofer.errors import ClientError

LEAVE = b"\x1d"
"""Ctrl-]: the one key that is not passed on in a terminal."""

_PIECE = 16 * 1024
_STDERR = 2
_TYPED, _PIPED = 20.0, 600.0


class _Exited(msgspec.Struct, tag_field="type", tag="exit"):
    code: int


class _Failed(msgspec.Struct, tag_field="type", tag="error"):
    message: str
    hint: str = ""


class _Resize(msgspec.Struct, tag_field="type", tag="resize"):
    columns: int
    rows: int


class _EndOfInput(msgspec.Struct, tag_field="type", tag="eof"):
    pass


def attach(server: Server, path: str, command: list[str], terminal: bool | None) -> int:
    """Run `command` at the attach websocket `path`; returns its exit code.

    `terminal` None: if both stdin and stdout are one. The terminal is put right again in every case. Raises
    ClientError where the command cannot be started or the connection is lost.
    """
    wanted = is_terminal(sys.stdin) and is_terminal(sys.stdout) if terminal is None else terminal
    columns, rows = shutil.get_terminal_size()
    query: Query = {"command": command, "terminal": wanted, "columns": columns, "rows": rows}
    sys.stdout.flush()
    try:
        with _raw_mode(wanted):
            return run_interruptible(_Attached(server, path, query, wanted).run())
    except Interrupted as interrupted:
        return interrupted.exit_code


@contextmanager
def _raw_mode(wanted: bool) -> Iterator[None]:
    """Every key goes to the other side unchanged; afterwards the terminal is as it was."""
    if not (wanted and is_terminal(sys.stdin)):
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _Attached:
    """One connection."""

    def __init__(self, server: Server, path: str, query: Query, terminal: bool) -> None:
        self._server = server
        self._path = path
        self._query = query
        self._terminal = terminal

    async def run(self) -> int:
        """The exit code of the command, or of having left it."""
        # Who types leaves as they like; what a file or program brings may have to wait until it is wanted.
        patience = _TYPED if self._terminal else _PIPED
        async with open_websocket(self._server, self._path, self._query, patience) as connection:
            loop = asyncio.get_running_loop()
            keys: asyncio.Queue[bytes] = asyncio.Queue(16)
            threading.Thread(target=_read_input, args=(loop, keys), daemon=True, name="stdin").start()
            if self._terminal:
                loop.add_signal_handler(signal.SIGWINCH, lambda: loop.create_task(_resized(connection)))
            sending = asyncio.create_task(self._send(connection, keys), name="stdin to the container")
            receiving = asyncio.create_task(_receive(connection), name="output of the container")
            try:
                await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
                if sending.done() and sending.result():
                    return ExitCode.OK
                return await receiving
            finally:
                for task in (sending, receiving):
                    task.cancel()
                if self._terminal:
                    loop.remove_signal_handler(signal.SIGWINCH)

    async def _send(self, connection: ClientConnection, keys: asyncio.Queue[bytes]) -> bool:
        """Pass input on until it ends; True where the person left with Ctrl-]."""
        with suppress(ConnectionClosed):
            while data := await keys.get():
                if self._terminal and LEAVE in data:
                    await connection.send(data.partition(LEAVE)[0])
                    return True
                await connection.send(data)
            await connection.send(msgspec.json.encode(_EndOfInput()).decode())
        return False


async def _receive(connection: ClientConnection) -> int:
    """Print what comes until the command has ended; its exit code."""
    decoder: msgspec.json.Decoder[_Exited | _Failed] = msgspec.json.Decoder(_Exited | _Failed)
    async for message in connection:
        if isinstance(message, str):
            frame = decoder.decode(message)
            if isinstance(frame, _Failed):
                raise ClientError(frame.message, frame.hint, problem_status=409)
            return frame.code
        _write_all(_STDERR if message[0] == _STDERR else 1, memoryview(message)[1:])
    raise ClientError("the connection was lost; the command may still run", "See `gofer taskrun get`.")


async def _resized(connection: ClientConnection) -> None:
    columns, rows = shutil.get_terminal_size()
    with suppress(ConnectionClosed):
        await connection.send(msgspec.json.encode(_Resize(columns, rows)).decode())


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _read_input(loop: asyncio.AbstractEventLoop, keys: asyncio.Queue[bytes]) -> None:
    """stdin, piece by piece and no faster than it is taken; an empty piece at its end. Runs in a thread of its own."""
    data = b"begin"
    while data:
        try:
            data = os.read(0, _PIECE)
        except OSError:
            data = b""
        try:
            asyncio.run_coroutine_threadsafe(keys.put(data), loop).result()
        except (RuntimeError, CancelledError):
            return
