"""The web server around the application."""

from __future__ import annotations

import asyncio
import copy
import fcntl
import socket
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from gofer.config.live import Live
from gofer.server.api.task_door import TaskDoor
from gofer.server.limits.connections import Connections
from gofer.server.limits.handshake import Handshake
from gofer.server.limits.http_protocol import LimitedHttp
from gofer.server.limits.open_files import room_for_connections
from gofer.server.limits.refusals import Refusals

if TYPE_CHECKING:
    import ssl

_LAST_ORDERS = 0.3
_LAST_WORD = 0.5


class WebServer(uvicorn.Server):
    """uvicorn as Gofer uses it; signals are left to the composition root. `connections` are those of all listeners."""

    def __init__(self, app: ASGIApp, live: Live, tls: ssl.SSLContext | None, refusals: Refusals) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                ws_ping_interval=20.0,
                ws_ping_timeout=20.0,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, live.settings.server.shutdown_timeout // 1000),
            )
        )
        self._tls = tls
        self.connections = Connections(live, refusals, room_for_connections(live.settings.task_parallelism_limit))
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        create_protocol = self._protocols(self.config, self._tls)
        self.servers = [await loop.create_server(create_protocol, sock=one) for one in sockets or []]
        self.started = True
        self.listening.set()

    async def on_tick(self, counter: int) -> bool:
        self.connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def listens(self, serving: asyncio.Task[None]) -> None:
        """Waits until it does, `serving` being its `run_on`. Raises what that has died of before."""
        listening = asyncio.create_task(self.listening.wait(), name="web server listens")
        try:
            await asyncio.wait([listening, serving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
        if serving.done():
            serving.result()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn, but who is connected and has not asked yet may do so for a moment: closing at once would lose
        those that came through the door just before it closed."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(0)  # those that were accepted this very moment become connections
        fresh = [one for one in self.server_state.connections if getattr(one, "cycle", self) is None]
        if fresh or self.connections.handshaking:
            await asyncio.sleep(_LAST_ORDERS)
        for one in self.connections.handshaking:
            one.give_way()
        dropping = asyncio.create_task(self._drop_silent(), name="silent clients")
        try:
            await super().shutdown(sockets)
        finally:
            dropping.cancel()

    async def _drop_silent(self) -> None:
        """TLS ends with a last word from either side: a client that has been sent everything, and gives none, is not
        waited for. Nor is anybody without a token who does not send, or take, the rest."""
        while True:
            held = self.connections.held_by_strangers
            ended = [one for one in self.server_state.connections if _has_nothing_to_send(one)]
            await asyncio.sleep(_LAST_WORD)
            for one in ended:
                if one in self.server_state.connections and _has_nothing_to_send(one):
                    one.transport.abort()
            for stranger in held:
                if stranger.is_held_by_stranger:
                    stranger.give_way()

    async def serve_tasks(self, listener: socket.socket) -> None:
        """Serve a Unix socket too, without TLS; the application finds TASK_SOCKET in the scope. To be called once the
        server listens."""
        config = copy.copy(self.config)
        config.loaded_app = TaskDoor(self.config.loaded_app)
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_unix_server(self._protocols(config, None), sock=listener))

    async def serve_too(self, listener: socket.socket, app: ASGIApp) -> None:
        """Serve `app` on another socket, with the same TLS and the same limits. To be called once the server listens.
        `listener` is closed with the server."""
        config = copy.copy(self.config)
        config.loaded_app = app
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(self._protocols(config, self._tls), sock=listener))

    def _protocols(self, config: uvicorn.Config, tls: ssl.SSLContext | None) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the protocol of each new connection."""
        loop = asyncio.get_running_loop()
        http = partial(
            LimitedHttp,
            limits=self.connections,
            config=config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=loop,
        )
        return http if tls is None else partial(Handshake, http, tls, self.connections, loop)

    async def run_on(self, listeners: list[socket.socket]) -> None:
        """Serve until `should_exit` is set. Cancelled, it drops every connection at once."""
        self.config.load()
        try:
            await self.serve(sockets=listeners)
        except BaseException:
            for server in self.servers:
                server.close()
            for connection in list(self.server_state.connections):
                connection.shutdown()
            for handshaking in self.connections.handshaking:
                handshaking.give_way()
            raise


def _has_nothing_to_send(connection: Any) -> bool:
    """Whether a connection is to end, and the client's kernel has all that it was sent."""
    transport: asyncio.Transport = connection.transport
    if not transport.is_closing() or transport.get_write_buffer_size() > 0:
        return False
    try:
        waiting = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return False  # closed by now
    return not any(waiting)
