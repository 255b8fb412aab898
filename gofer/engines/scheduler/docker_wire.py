"""A connection that the engine gave over to a container's streams: of an attach or an exec."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from http import HTTPStatus
from time import time_ns
from typing import Any, Final, cast

from gofer.engines.scheduler.base import Chunk
from gofer.engines.scheduler.docker_address import Address
from gofer.engines.scheduler.docker_errors import ApiError
from gofer.engines.scheduler.docker_frames import STREAMS, Frames
from gofer.errors import EngineUnavailable
from gofer.models.log import Stream

_CHUNK: Final = 256 * 1024
_MERGE_WITHIN: Final = 5_000_000
_FULL: Final = 1024 * 1024
_HEAD_LIMIT: Final = 64 * 1024

# An engine waits two seconds for its readers when a container ends, then throws away what it has not got rid of, for
# its own log too. A reader that does not keep up must therefore go before that, and read the engine's log instead.
_PATIENCE: Final = 1.0
_LEAST_PROGRESS: Final = 512 * 1024


class Piece:
    """Bytes of one stream that are waiting to be read."""

    __slots__ = ("at", "parts", "size", "stream")

    def __init__(self, stream: Stream, at: int) -> None:
        self.stream = stream
        self.at = at
        self.parts: list[bytes] = []
        self.size = 0


class Wire(asyncio.BufferedProtocol):
    """One such connection. `scratch` is where reads go to; all wires of one event loop may share it. (A memoryview:
    asyncio's TLS writes into slices of it.)

    `patient`: a slow reader holds the container up. Otherwise it loses the connection: `let_go` is then true, and what
    came until then is still read. `ended_at`: when the connection ended, in nanoseconds since the epoch.
    """

    def __init__(self, scratch: memoryview, *, multiplexed: bool, patient: bool) -> None:
        self._scratch = scratch
        self._frames = Frames() if multiplexed else None
        self._patient = patient
        self._transport: asyncio.Transport
        self._head = b""
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pieces: deque[Piece] = deque()
        self._waiting = 0
        self._read = 0
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._failure: EngineUnavailable | None = None
        self.ended = asyncio.Event()
        self.ended_at = 0
        self.let_go = False

    @property
    def at_end(self) -> bool:
        """Whether the connection has ended; what came before may still wait to be read."""
        return self.ended.is_set()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being an instance.

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._scratch

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._scratch[:nbytes])
        if self._answered.done():
            self._take(data)
        else:
            self._take_head(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self.ended_at = time_ns()
        self._writable.set()
        torn = self._frames is not None and self._frames.torn
        if exc is not None or torn:
            self._failure = self._failure or EngineUnavailable(
                f"the connection to the Docker Engine broke: {exc or 'it ended within a frame'}",
                "Gofer goes on by itself as soon as the engine answers.",
            )
        if not self._answered.done():
            self._answered.set_exception(self._failure or EngineUnavailable("the Docker Engine hung up"))
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the owner calls.

    async def request(self, path: str, body: dict[str, Any] | None, host: str) -> None:
        """Ask the engine for the streams. Raises ApiError when it refuses, EngineUnavailable when it hangs up."""
        payload = b"" if body is None else json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        )
        self._transport.write(head.encode() + payload)
        await self._answered

    async def receive(self) -> Chunk | None:
        """What came since the last call, or what comes next. None at the end.

        Raises EngineUnavailable after the last bytes if the connection broke. Cancelling it loses nothing.
        """
        while not self._pieces:
            if self.at_end:
                if self._failure is not None and not self.let_go:
                    raise self._failure
                return None
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        piece = self._pieces.popleft()
        self._waiting -= piece.size
        self._read += piece.size
        if self._paused and self._waiting <= _FULL // 2:
            self._paused = False
            if not self.at_end and not self._transport.is_closing():
                self._transport.resume_reading()
        return Chunk(piece.stream, piece.parts[0] if len(piece.parts) == 1 else b"".join(piece.parts), piece.at)

    async def write(self, data: bytes) -> None:
        """Send input; nothing happens once the connection has ended."""
        if not self.at_end and not self._transport.is_closing():
            self._transport.write(data)
            await self._writable.wait()

    def write_eof(self) -> None:
        """End of input."""
        if not self.at_end and not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def close(self) -> None:
        """Give it up. Idempotent."""
        if not self._answered.done():
            self._answered.cancel()
        self._transport.abort()

    def _take_head(self, data: bytes) -> None:
        self._head += data
        head, mark, rest = self._head.partition(b"\r\n\r\n")
        if not mark:
            if len(self._head) > _HEAD_LIMIT:
                self._transport.abort()
            return
        status = int(head.split(b" ", 2)[1])
        if status in (HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.OK):
            self._head = b""
            self._answered.set_result(None)
            if rest:
                self._take(rest)
        elif len(rest) >= _content_length(head):
            self._answered.set_exception(ApiError(status, _error_text(rest)))
            self._transport.abort()

    def _take(self, data: bytes) -> None:
        now = time_ns()
        if self._frames is None:
            self._put("stdout", data, now)
        else:
            try:
                for kind, payload in self._frames.feed(data):
                    self._put(STREAMS[kind] if kind < len(STREAMS) else "stderr", payload, now)
            except EngineUnavailable as error:
                self._failure = error
                self._transport.abort()
        self._wake()
        if self._waiting > _FULL and not self._paused and self._failure is None:
            self._paused = True
            self._transport.pause_reading()
            if not self._patient:
                asyncio.get_running_loop().call_later(_PATIENCE, self._lose_patience, self._read)

    def _put(self, stream: Stream, data: bytes, now: int) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is None or last.stream != stream or last.size + len(data) > _CHUNK or now - last.at > _MERGE_WITHIN:
            last = Piece(stream, now)
            self._pieces.append(last)
        last.parts.append(data)
        last.size += len(data)
        self._waiting += len(data)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _lose_patience(self, read_before: int) -> None:
        if not self._paused or self.at_end:
            return
        if self._read - read_before >= _LEAST_PROGRESS:
            asyncio.get_running_loop().call_later(_PATIENCE, self._lose_patience, self._read)
            return
        self.let_go = True
        self._transport.abort()


async def open_wire(
    wire: Wire, address: Address, tls: ssl.SSLContext | None, path: str, body: dict[str, Any] | None = None
) -> Wire:
    """Connect `wire` and have the engine answer. Raises ApiError or EngineUnavailable."""
    await address.connect(lambda: wire, tls)
    try:
        await wire.request(path, body, address.host or "docker")
    except BaseException:
        wire.close()
        raise
    return wire


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _error_text(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:500]
