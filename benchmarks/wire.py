"""An HTTP/1.1 client that does next to nothing, for where the time of a request is what is measured."""

from __future__ import annotations

import asyncio
import re
import time
from types import TracebackType
from typing import Final, cast
from urllib.parse import urlsplit

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"


class Wire(asyncio.Protocol):
    """One kept connection, one request at a time. It understands answers that tell their length, and no others."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        self._transport: asyncio.Transport
        self._data = b""
        self._size = 0
        self._answer: asyncio.Future[tuple[float, bytes]]

    async def __aenter__(self) -> Wire:
        name, _, port = self._host.rpartition(":")
        await asyncio.get_running_loop().create_connection(lambda: self, name, int(port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up."""
        return not self._transport.is_closing()

    async def post(self, path: str, body: bytes = b"{}") -> tuple[float, bytes]:
        """Seconds until the answer was there, and its body."""
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        return await self._ask(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def get(self, path: str) -> tuple[float, bytes]:
        """Seconds until the answer was there, and its body."""
        return await self._ask(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._data += data
        if not self._size:
            head = self._data.find(_END)
            if head < 0:
                return
            length = _LENGTH.search(self._data, 0, head)
            assert length is not None, self._data[:head]
            self._size = head + len(_END) + int(length[1])
        if len(self._data) >= self._size:
            self._answer.set_result((now, self._data))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    async def _ask(self, request: bytes) -> tuple[float, bytes]:
        self._data, self._size = b"", 0
        self._answer = asyncio.get_running_loop().create_future()
        before = time.perf_counter()
        self._transport.write(request)
        now, answer = await self._answer
        status = _STATUS.match(answer)
        assert status is not None, answer[:200]
        assert int(status[1]) < 300, answer
        return now - before, answer[answer.index(_END) + len(_END) :]
