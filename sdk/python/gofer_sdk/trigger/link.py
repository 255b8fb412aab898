"""One open connection: frames in and out, requests and their replies, the heartbeat. It is the same on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gofer_sdk.trigger.errors import LinkLost, PeerError, ProtocolError
from gofer_sdk.trigger.frames import MAX_FRAME_BYTES, Failure, Fields, Reply, Request, decode, encode

if TYPE_CHECKING:
    from websockets.asyncio.connection import Connection

NO_FRAME: Final = 4400
SILENT: Final = 4408
_MISSED_BEATS: Final = 3


class Link:
    """Sends and receives on a websocket. `take` is given each request that comes, and must not block.

    `pinged` is set by each `ping` that comes.
    """

    def __init__(self, websocket: Connection, take: Callable[[Link, Request], None]) -> None:
        self.max_frame_bytes = MAX_FRAME_BYTES
        self.pinged = asyncio.Event()
        # Of what comes: an external event may be larger than what is sent.
        self.max_received_bytes = MAX_FRAME_BYTES
        self._websocket = websocket
        self._take = take
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Fields]] = {}
        self._lost = False

    async def request(self, kind: str, /, **fields: object) -> Fields:
        """The fields of the reply. Raises PeerError, LinkLost, and ProtocolError for what is too long to be sent."""
        self._last_id += 1
        own = self._last_id
        future: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()
        self._waiting[own] = future
        try:
            await self._send({"id": own, "kind": kind, **fields})
            return await future
        finally:
            self._waiting.pop(own, None)

    async def notice(self, kind: str, /, **fields: object) -> None:
        """Send what nobody answers. Raises as `request`."""
        await self._send({"kind": kind, **fields})

    async def reply(self, re: int, fields: Mapping[str, object]) -> None:
        """Answer a request. Raises LinkLost, and ProtocolError for what cannot be sent."""
        await self._send({"re": re, **fields})

    async def fail(self, re: int, code: str, message: str) -> None:
        """Answer a request with an error. Raises LinkLost."""
        await self._send({"re": re, "error": {"code": code, "message": message[:4000]}})

    async def read(self) -> None:
        """Take frames until the connection ends. What is no frame ends it with 4400; then requests raise LinkLost."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                await self._received(decode(await self._websocket.recv(), self.max_received_bytes))
        except (ConnectionClosed, LinkLost):
            # LinkLost: what came before the end could not be answered any more.
            pass
        except ProtocolError as error:
            await self.close(NO_FRAME, str(error))
        finally:
            self._lose()

    async def beat(self, heartbeat: float) -> None:
        """Send a `ping` each `heartbeat` seconds; close the connection when no reply comes for three times as long."""
        while True:
            await asyncio.sleep(heartbeat)
            try:
                await asyncio.wait_for(self.request("ping"), heartbeat * _MISSED_BEATS)
            except TimeoutError:
                await self.close(SILENT, "no reply to ping")
                return
            except PeerError:
                pass
            except LinkLost:
                return

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection; `read` returns soon."""
        # A reason may have 123 bytes (RFC 6455, 5.5).
        await self._websocket.close(code, reason.encode()[:120].decode(errors="ignore"))

    @property
    def close_code(self) -> int | None:
        """What the connection was closed with; None as long as it is open."""
        return self._websocket.close_code

    @property
    def close_reason(self) -> str:
        """What was said to it."""
        return self._websocket.close_reason or ""

    async def _received(self, frame: Request | Reply | Failure) -> None:
        if isinstance(frame, Request):
            if frame.kind == "ping" and frame.id is not None:
                self.pinged.set()
                await self.reply(frame.id, {})
            else:
                self._take(self, frame)
            return
        future = self._waiting.get(frame.re)
        if future is None or future.done():
            # To what is no longer waited for; an answer that comes late is no mistake.
            return
        if isinstance(frame, Reply):
            future.set_result(frame.fields)
        else:
            future.set_exception(PeerError(frame.code, frame.message))

    async def _send(self, fields: Mapping[str, Any]) -> None:
        from websockets.exceptions import ConnectionClosed

        if self._lost:
            raise LinkLost("The connection has ended.")
        packed = encode(fields, self.max_frame_bytes)
        try:
            await self._websocket.send(packed)
        except ConnectionClosed:
            raise LinkLost("The connection has ended.") from None

    def _lose(self) -> None:
        self._lost = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LinkLost("The connection ended before the reply came."))
                # Whoever waited may have been cancelled.
                future.exception()
