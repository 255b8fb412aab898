"""Websocket clients of a log in a process of their own, which read whole frames and look at no more than times."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

_LIMIT = 8 * 1024 * 1024
# A line's text stands behind this; it begins with when it was printed, in seconds since the epoch: 1795272608.961282
_BEFORE_TEXT = b'","stdout","'
_OPENING = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Heard(NamedTuple):
    """`lines` of each client; `late`: seconds from printing to reading, of lines of all clients."""

    lines: list[int]
    late: list[float]


class Tail:
    """`clients` clients of one log, connected when the context begins.

    `every`: the lateness of every line is kept, not only of the first and the last line of each frame.
    """

    def __init__(self, address: str, path: str, clients: int, *, every: bool) -> None:
        self._arguments = (urlsplit(address).netloc, path, clients, every)
        self._process: multiprocessing.process.BaseProcess
        self._pipe: Connection

    async def __aenter__(self) -> Tail:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(*self._arguments, theirs))
        self._process.start()
        await asyncio.to_thread(self._pipe.recv)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.terminate()
        await asyncio.to_thread(self._process.join)

    async def heard(self) -> Heard:
        """Waits for the end of the log at every client."""
        heard: Heard = await asyncio.to_thread(self._pipe.recv)
        return heard


def _serve(host: str, path: str, clients: int, every: bool, pipe: Connection) -> None:
    uvloop.run(_follow_all(host, path, clients, every, pipe))


async def _follow_all(host: str, path: str, clients: int, every: bool, pipe: Connection) -> None:
    open_connections = [await connect(host, path) for _ in range(clients)]
    pipe.send("connected")
    late: list[int] = []
    note = _note_every if every else _note_ends
    lines = await asyncio.gather(*(_follow(*connection, late, note) for connection in open_connections))
    pipe.send(Heard(list(lines), [ns / 1e9 for ns in late]))


async def connect(host: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket of `host` (name and port), that answers no frames."""
    name, _, port = host.rpartition(":")
    reader, writer = await asyncio.open_connection(name, int(port), limit=_LIMIT)
    writer.write(_OPENING.format(path=path, host=host).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return reader, writer


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The kind of the next frame, as in RFC 6455, and what is in it."""
    head = await reader.readexactly(2)
    size = head[1]
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    return head[0] & 15, await reader.readexactly(size)


async def _follow(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    late: list[int],
    note: Callable[[bytes, int, list[int]], None],
) -> int:
    """How many lines came until the log's end."""
    lines = 0
    while True:
        kind, frame = await read_frame(reader)
        now = time.time_ns()
        if kind != 1:
            continue
        if frame.startswith(b'{"type":"end"'):
            writer.close()
            return lines
        lines += frame.count(_BEFORE_TEXT)
        note(frame, now, late)


def _note_ends(frame: bytes, now: int, late: list[int]) -> None:
    late += (_age(frame, frame.index(_BEFORE_TEXT), now), _age(frame, frame.rindex(_BEFORE_TEXT), now))


def _note_every(frame: bytes, now: int, late: list[int]) -> None:
    place = frame.find(_BEFORE_TEXT)
    while place >= 0:
        late.append(_age(frame, place, now))
        place = frame.find(_BEFORE_TEXT, place + 1)


def _age(frame: bytes, place: int, now: int) -> int:
    begin = place + len(_BEFORE_TEXT)
    return now - int(frame[begin : begin + 10] + frame[begin + 11 : begin + 17]) * 1000
