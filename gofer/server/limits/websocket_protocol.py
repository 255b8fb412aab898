"""uvicorn's websockets with limits: on what a client leaves unread, and on what is kept for it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response

from gofer.errors import GoferError, Unavailable
from gofer.server.api import reply
from gofer.server.limits.answers import NoWebsocket
from gofer.server.limits.connections import LINGER, Connections
from gofer.server.limits.unread import Unread

# A message may come in as many pieces as it likes; they are put together before they take more room than it.
_MAX_PIECES = 4096

_OWN_FAULT = 500

# In so many bytes at once messages are taken from what has come.
_SLICE = 4096


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """One websocket, from its handshake on."""

    is_handshaking = False
    is_held_by_stranger = False

    def __init__(self, *, limits: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._unread = Unread()
        self._waiting = bytearray()
        self._heard_at = 0.0
        self.conn.reject = self._reject  # type: ignore[method-assign]

    def _reject(self, status: int, text: str) -> Response:
        """What uvicorn and the library answer to a handshake by themselves, as all errors are answered."""
        error: GoferError = Unavailable("The websocket was not opened, as the server stops.", "Try again in a moment.")
        if status < _OWN_FAULT:
            error = NoWebsocket(int(status), text.strip())
            self._limits.refusals.note("malformed")
        answer = reply.of_error(error, "websocket")
        headers = [(name.decode(), value.decode("latin-1")) for name, value in reply.headers_of(answer)]
        phrase = HTTPStatus(answer.status).phrase
        return Response(answer.status, phrase, Headers([*headers, ("Connection", "close")]), answer.body)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        if self.conn.parser_exc is not None:
            return  # It was told, and has a moment to see it.
        if self._waiting:
            data, self._waiting = bytes(self._waiting) + data, bytearray()
        self._take(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            # The head, which has come whole, does not suit it: it has an answer ready, or none.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def _take(self, data: bytes) -> None:
        """Only so much at once as the application has asked for: many small messages take far more room than their
        bytes."""
        for start in range(0, len(data), _SLICE):
            if self.read_paused and not self.close_sent:
                self._waiting += data[start:]
                return
            super().data_received(data[start : start + _SLICE])
            if self.conn.parser_exc is not None:
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._limits.leave(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Called when too much waits to be read by the client. Nothing is read from it then either: pings would be
        answered, and the answers pile up."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await super().receive()
        if self._waiting and not self.read_paused and not self.disconnected:
            waiting, self._waiting = bytes(self._waiting), bytearray()
            self._take(waiting)
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()
        return message

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= _MAX_PIECES:
            self.frames = [b"".join(self.frames)]
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        """As uvicorn, but the client may still send for a moment, so that it gets to see the close frame."""
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        if code == CloseCode.MESSAGE_TOO_BIG:
            self._limits.refusals.note("frame_too_large")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER, self.transport.close)

    def keepalive_timeout(self) -> None:
        """As uvicorn, but only for who is silent: the answer to a ping may lie behind what the application does not
        want yet, or the ping itself behind what the client has not read. How long that may last, `check` says."""
        waits = self.read_paused or self.transport.get_write_buffer_size() > 0
        if self.close_sent or not (waits or self._heard_at >= self.ping_sent_at):
            super().keepalive_timeout()
            return
        self.pong_timer = self.pending_ping_payload = None
        self.schedule_ping()

    def check(self, now: float) -> None:
        """Ends it if its client reads nothing of what it is sent. `now`: the loop's time."""
        if self._unread.stalled(self.transport, now, self._limits.settings.stall_timeout / 1000):
            self._limits.refusals.note("slow_reader")
            self.transport.abort()

    @property
    def is_waiting(self) -> bool:
        """It is over, but for the last word of a client over TLS: otherwise it is busy as long as it lasts."""
        return self.transport.is_closing()

    def give_way(self) -> None:
        self.transport.abort()
