"""The websocket of a trigger, as its session uses it."""

from __future__ import annotations

from typing import Any, Protocol

_MAX_REASON_BYTES = 123


class Gone(Exception):
    """The connection is over; `code` is what it was closed with."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Socket(Protocol):
    """What is used of Starlette's WebSocket."""

    async def receive(self) -> Any: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def close(self, code: int = 1000, reason: str | None = None) -> None: ...


class Link:
    """Messages in and out. Everything that can go wrong with the connection is Gone."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._is_closed = False

    async def receive(self) -> bytes | None:
        """The next message; None for one of text, whatever it says. Raises Gone."""
        try:
            message = await self._socket.receive()
        except RuntimeError:
            raise Gone(1006) from None
        if message["type"] == "websocket.disconnect":
            raise Gone(message.get("code") or 1005)
        data: bytes | None = message.get("bytes")
        return data

    async def send(self, data: bytes) -> None:
        """Waits while the other side reads nothing. Raises Gone."""
        if self._is_closed:
            raise Gone(1006)
        try:
            await self._socket.send_bytes(data)
        except Exception:
            # Starlette and uvicorn each have an error of their own for this, and the library below has others.
            raise Gone(1006) from None

    async def close(self, code: int, reason: str) -> None:
        """Say why it ends. Idempotent, and nothing goes wrong if it has ended already."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._socket.close(code, reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore"))
        except Exception:
            return
