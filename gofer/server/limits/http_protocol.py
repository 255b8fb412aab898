"""uvicorn's HTTP with limits: on the size of a head, on the time that a client takes, on what is kept for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gofer.errors import GoferError
from gofer.server.api.authentication import is_known
from gofer.server.api.upload import UPLOAD
from gofer.server.limits.answers import encoded, full, header_too_large, malformed, stalled, timed_out
from gofer.server.limits.connections import LINGER, Connections
from gofer.server.limits.head import check_head, check_header, problem_of
from gofer.server.limits.refusals import Reason
from gofer.server.limits.unread import Unread
from gofer.server.limits.websocket_protocol import LimitedWebSocket

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

# A client that sends more requests before the first is answered has them answered, but for the last ones.
_MAX_PIPELINED = 64

# No limit on heads is below that: what has come in fewer bytes needs no counting.
_SMALL = 1024
_SPECIAL = frozenset({b"expect", b"content-length", b"transfer-encoding"})


class LimitedHttp(HttpToolsProtocol):
    """One connection. `sweep` of `limits` sees to its time limits: a request that comes whole, as they do, costs no
    timer."""

    def __init__(self, *, limits: Connections, **given: Any) -> None:
        super().__init__(**given)
        self.ws_protocol_class = self._websocket  # type: ignore[assignment]
        self._limits = limits
        self._unread = Unread()
        self._raw: asyncio.Transport | None = None
        # The request that is being answered; those behind it wait in `pipeline`, and `cycle` is the last one.
        self._answered: RequestResponseCycle | None = None
        self._in_head = self._in_body = False
        # What has come since anything was made of it, without and with what is being read.
        self._kept_bytes = self._raw_bytes = 0
        self._progressed = False
        # Of all bodies; when that was looked at last.
        self._body_bytes = self._body_seen = 0
        # When the wait for the next part of a request began.
        self._since = 0.0
        # What comes from now on is thrown away; and until when, unless an answer ends the connection.
        self._ending = False
        self._lingers_until: float | None = None

    def accepted(self, raw: asyncio.Transport) -> bool:
        """TLS begins on `raw`; `connection_made` comes when it has. False: there is no room."""
        self._raw = raw
        return self._limits.admit(self)

    @property
    def is_handshaking(self) -> bool:
        return self.transport is None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        if self._raw is None and not self._limits.admit(self):
            self._ending = True
            transport.write(encoded(full(self._limits.settings.max_connections)))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._limits.leave(self)
        if self.pipeline and self._answered is not None:
            # uvicorn tells the last request alone: the one before would be answered to its end, for nobody.
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        if self._ending:
            return
        self._unset_keepalive_if_required()
        self._progressed = False
        # The parser keeps a header, and whatever comes between two parts of a body, until it is complete.
        self._raw_bytes = self._kept_bytes + len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            return
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _Unfit):
                self._refuse(cause.error, cause.reason)
            else:
                self._refuse(problem_of(error), "malformed")
            return
        if self._progressed:
            # Of a head that begins behind another request nobody knows the size yet: it will be counted.
            self._kept_bytes = min(len(data), _SMALL) if self._in_head else 0
            return
        self._kept_bytes = self._raw_bytes
        limit = self._limits.settings.max_header_bytes
        if self._kept_bytes > limit:
            self._refuse(header_too_large(limit), "header_too_large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if self.cycle is not None:
            self._since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # Behind a body: nothing there may pass for a header that was checked.
        name = name.lower()
        if name in _SPECIAL:
            self._on_special_header(name, value)
        self.headers.append((name, value))

    def _on_special_header(self, name: bytes, value: bytes) -> None:
        if name == b"expect":
            self.expect_100_continue = self.expect_100_continue or value.lower() == b"100-continue"
            return
        try:
            check_header(name, value)
        except GoferError as error:
            raise _Unfit(error, "malformed") from None

    def on_headers_complete(self) -> None:
        if self._raw_bytes > _SMALL:
            self._check_size()
        upgrades = bool(self.parser.should_upgrade())
        version = self.parser.get_http_version()
        if upgrades or version != "1.1" or not self.url.startswith(b"/"):
            try:
                check_head(version, self.url, self.headers, upgrades=upgrades)
            except GoferError as error:
                raise _Unfit(error, "malformed") from None
        if upgrades and self.cycle is not None and not self.cycle.response_complete and self._should_upgrade():
            # Both would write to the connection, and nobody would hold back the answer for a slow reader.
            raise _Unfit(malformed("an Upgrade before all that was asked earlier is answered"), "malformed")
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise _Unfit(malformed(f"more than {_MAX_PIPELINED} requests before the first is answered"), "malformed")
        super().on_headers_complete()
        self._in_head = False
        self._in_body = self._progressed = True
        self._since = self.loop.time()
        if upgrades and not self._should_upgrade():
            # It is answered as if it had not asked; but what comes behind it may be in another protocol.
            self.cycle.keep_alive = False

    def _check_size(self) -> None:
        limit = self._limits.settings.max_header_bytes
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > limit:
            raise _Unfit(header_too_large(limit), "header_too_large")

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._progressed = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._limits.busy(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        unsure = self._in_body and self.expect_100_continue and not self.pipeline
        super().on_response_complete()
        if self.is_waiting:
            self._limits.idle(self)
        if unsure and not self.transport.is_closing():
            # Whether a client sends a body that it was not told to send, nobody knows: nothing can follow it.
            self._linger()

    def handle_websocket_upgrade(self) -> None:
        self.config.ws_max_size = self._limits.settings.max_frame_bytes
        super().handle_websocket_upgrade()

    def _websocket(self, **given: Any) -> LimitedWebSocket:
        websocket = LimitedWebSocket(limits=self._limits, _loop=self.loop, **given)
        self._limits.succeed(self, websocket)
        return websocket

    def shutdown(self) -> None:
        """As uvicorn, but who was refused is not waited for."""
        if self._ending:
            self.transport.close()
        super().shutdown()

    @property
    def is_waiting(self) -> bool:
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        if self._in_body and not self.pipeline:
            return not (cycle.response_started or UPLOAD in cycle.scope["state"])
        return self.is_held_by_stranger

    @property
    def is_held_by_stranger(self) -> bool:
        answered = self._answered
        if answered is None or answered.response_complete or is_known(answered.scope):
            return False
        return self.flow.write_paused or (self._in_body and not self.pipeline)

    def give_way(self) -> None:
        """Closes it at once: neither an answer that nobody reads nor a last word of TLS is waited for."""
        self._ending = True
        (self._raw or self.transport).abort()

    def check(self, now: float) -> None:
        """Ends it if it has waited for too long. `now`: the loop's time."""
        settings = self._limits.settings
        if self.is_handshaking:
            return  # That has a timeout of its own.
        if self._unread.stalled(self.transport, now, settings.stall_timeout / 1000):
            self._limits.refusals.note("slow_reader")
            self.transport.abort()
        elif self._ending:
            if self._lingers_until is not None and now >= self._lingers_until:
                self.transport.close()
        elif self._in_body:
            self._check_body(now)
        elif (self.cycle is None or self.cycle.response_complete) and (
            self._in_head or self.timeout_keep_alive_task is None
        ):
            self._check_head(now)

    def _check_head(self, now: float) -> None:
        timeout = self._limits.settings.request_timeout
        if now - self._since < timeout / 1000:
            return
        if self._in_head:
            self._refuse(timed_out("head", timeout), "header_timeout")
        else:
            self._limits.refusals.note("header_timeout")
            self.give_way()

    def _check_body(self, now: float) -> None:
        cycle, settings = self.cycle, self._limits.settings
        upload = UPLOAD in cycle.scope["state"]
        if self.pipeline or (cycle.response_started and not cycle.response_complete):
            self._since = now  # An answer has its own limit.
        elif not cycle.response_complete and (cycle.waiting_for_100_continue or self.flow.read_paused):
            self._since = now  # It is the server that takes its time.
        elif upload and self._body_bytes != self._body_seen:
            self._body_seen, self._since = self._body_bytes, now
        elif upload and now - self._since >= settings.stall_timeout / 1000:
            self._refuse(stalled(settings.stall_timeout), "slow_writer")
        elif not upload and now - self._since >= settings.request_timeout / 1000:
            self._refuse(timed_out("body", settings.request_timeout), "body_timeout")

    def _refuse(self, error: GoferError, reason: Reason) -> None:
        """Answer with `error` if there is nothing else to be answered, and end the connection."""
        self._limits.refusals.note(reason)
        cycle = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        if under_way and not self._in_body:
            # It is the next request that is wrong: this one is answered first, and the connection ends with it.
            self._ending = True
            cycle.keep_alive = False
            return
        if under_way:
            self._give_up()
        if (under_way and cycle.response_started) or self.pipeline:
            self._ending = True
            self.transport.abort()
            return
        if not (self._in_body and cycle.response_complete):
            self.transport.write(encoded(error))
        self._linger()

    def _give_up(self) -> None:
        """Tell the application that nothing more comes, and that nobody waits for its answer."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self.flow.resume_writing()

    def _linger(self) -> None:
        self._ending = True
        self._lingers_until = self.loop.time() + LINGER
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()


class _Unfit(Exception):
    """Raised into the parser, which wraps it."""

    def __init__(self, error: GoferError, reason: Reason) -> None:
        super().__init__(error.message)
        self.error = error
        self.reason = reason
