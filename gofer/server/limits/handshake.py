"""TLS in front of a protocol. The loop could do that by itself, but then nobody knew of a connection before its
handshake is over, and connections that never shake hands would be without a limit."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gofer.server.limits.connections import Connections

if TYPE_CHECKING:
    from gofer.server.limits.http_protocol import LimitedHttp


_TIMER = 0.05


class Handshake(asyncio.Protocol):
    """The beginning of one connection; it is then that of the protocol that `create` makes."""

    def __init__(
        self,
        create: Callable[[], LimitedHttp],
        context: ssl.SSLContext,
        limits: Connections,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._create = create
        self._context = context
        self._limits = limits
        self._loop = loop
        self._timeout = limits.settings.request_timeout / 1000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        protocol = self._create()
        if not protocol.accepted(transport):
            transport.abort()
            return
        done = self._loop.create_future()
        done.add_done_callback(partial(self._ended, protocol, self._loop.time()))
        secured = _layer(self._loop)(
            self._loop, protocol, self._context, done, server_side=True, ssl_handshake_timeout=self._timeout
        )
        transport.set_protocol(secured)
        secured.connection_made(transport)

    def _ended(self, protocol: LimitedHttp, began: float, done: asyncio.Future[None]) -> None:
        if done.cancelled() or done.exception() is not None:
            # A handshake that takes too long has no exception of its own, and a timer is not exact.
            if self._loop.time() - began >= self._timeout - _TIMER:
                self._limits.refusals.note("header_timeout")
            self._limits.leave(protocol)


def _layer(loop: asyncio.AbstractEventLoop) -> Any:
    """What the loop itself puts between a socket and a protocol. `loop.start_tls` is no way to it for a server: what
    the client sends before that has begun is lost."""
    if type(loop).__module__.startswith("uvloop"):
        from uvloop.loop import SSLProtocol  # type: ignore[attr-defined]

        return SSLProtocol
    from asyncio.sslproto import SSLProtocol as OfAsyncio

    return OfAsyncio
