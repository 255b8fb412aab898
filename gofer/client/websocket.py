"""Websockets of the API. asyncio rather than threads: a follow has one connection for events and some for logs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from gofer import __version__
from gofer.client.address import Address, Server
from gofer.client.answers import Untrusted, error_of, unreachable
from gofer.client.http import Query, query_string
from gofer.errors import ClientError
from gofer.models.event import Event
from gofer.models.log import LogEnd, LogFrame
from gofer.models.own_log import OwnLogFrame
from gofer.models.trigger import TriggerLog

_MAX_FRAME = 64 * 1024 * 1024
_OPEN_TIMEOUT = 10.0
_PATIENCE = 20.0

# Close codes after which the same request would end in the same way, and the HTTP status that says as much.
_FINAL = {1008: 400, 1011: 500}


class Disconnected(ClientError):
    """The connection was lost before the stream had come to its end. The same request may work later."""


class _Events(msgspec.Struct, tag_field="type", tag="events"):
    events: list[Event]


@asynccontextmanager
async def open_websocket(
    server: Server, path: str, query: Query, patience: float = _PATIENCE
) -> AsyncIterator[ClientConnection]:
    """A connection to `path`. `patience`: seconds after which a server that does not answer a ping is lost; it reads
    none while it waits for what it was sent before to be wanted.

    Raises ClientError with the server's own words where it refuses, Disconnected where it cannot be reached or the
    connection is lost while it is used.
    """
    connection = await _opened(server, path + query_string(query), patience)
    try:
        yield connection
    except ConnectionClosed as error:
        raise _closed(server.address, error) from None
    finally:
        await connection.close()


async def _opened(server: Server, target: str, patience: float) -> ClientConnection:
    try:
        return await _connect(server, target, patience)
    except InvalidStatus as error:
        response = error.response
        content_type = response.headers.get("Content-Type", "")
        raise error_of(response.status_code, content_type, bytes(response.body or b""), server.address) from None
    except (OSError, EOFError, InvalidHandshake) as error:
        raise _disconnected(server.address, error.__cause__ or error) from None


async def events(
    server: Server, path: str, query: Query, on_open: Callable[[], None] = lambda: None
) -> AsyncGenerator[list[Event], None]:
    """Batches of events, without end. `on_open` is called once the server has accepted."""
    decoder = msgspec.json.Decoder(_Events)
    async with open_websocket(server, path, query) as connection:
        on_open()
        async for message in connection:
            yield decoder.decode(message).events
        raise _lost(server.address)


async def log_frames(
    server: Server, path: str, query: Query, on_open: Callable[[], None] = lambda: None
) -> AsyncGenerator[LogFrame | LogEnd, None]:
    """Frames of a log; the last is LogEnd. `on_open` is called once the server has accepted."""
    decoder = msgspec.json.Decoder(LogFrame | LogEnd)
    async with open_websocket(server, path, query) as connection:
        on_open()
        async for message in connection:
            frame = decoder.decode(message)
            yield frame
            if isinstance(frame, LogEnd):
                return
        raise _lost(server.address)


async def own_log_frames(
    server: Server, path: str, query: Query, on_open: Callable[[], None] = lambda: None
) -> AsyncGenerator[OwnLogFrame, None]:
    """Frames of the server's own log, without end. `on_open` is called once the server has accepted."""
    decoder = msgspec.json.Decoder(OwnLogFrame)
    async with open_websocket(server, path, query) as connection:
        on_open()
        async for message in connection:
            yield decoder.decode(message)
        raise _lost(server.address)


async def trigger_log_frames(
    server: Server, path: str, query: Query, on_open: Callable[[], None] = lambda: None
) -> AsyncGenerator[TriggerLog, None]:
    """Frames of what a trigger says, without end. `on_open` is called once the server has accepted."""
    decoder = msgspec.json.Decoder(TriggerLog)
    async with open_websocket(server, path, query) as connection:
        on_open()
        async for message in connection:
            yield decoder.decode(message)
        raise _lost(server.address)


class _Direct(connect):
    """Goes nowhere else, as plain requests do not: the address was given, and the token is for it alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _connect(server: Server, target: str, patience: float) -> connect:
    headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
    address = server.address
    if address.socket:
        return unix_connect(
            address.socket,
            f"ws://localhost{target}",
            compression=None,
            max_size=_MAX_FRAME,
            open_timeout=_OPEN_TIMEOUT,
            ping_timeout=patience,
            additional_headers=headers,
            user_agent_header=f"gofer/{__version__}",
        )
    secure = address.scheme == "https"
    context = None
    if secure:
        from gofer.client.tls import context_for

        context = context_for(server)
    return _Direct(
        f"{'wss' if secure else 'ws'}://{address.netloc}{target}",
        compression=None,
        max_size=_MAX_FRAME,
        open_timeout=_OPEN_TIMEOUT,
        ping_timeout=patience,
        additional_headers=headers,
        user_agent_header=f"gofer/{__version__}",
        proxy=None,
        ssl=context,
    )


def _closed(address: Address, error: ConnectionClosed) -> ClientError:
    """A close for which the server gave a reason is an answer; any other is a lost connection."""
    frame = error.rcvd
    if frame is not None and frame.code in _FINAL:
        return ClientError(frame.reason or "the server closed the stream", problem_status=_FINAL[frame.code])
    return _lost(address)


def _lost(address: Address) -> Disconnected:
    hint = "Is the server still there? `gofer service info` asks it."
    return Disconnected(f"the connection to the server at {address} was lost", hint)


def _disconnected(address: Address, error: BaseException) -> ClientError:
    plain = unreachable(address, error)
    return plain if isinstance(plain, Untrusted) else Disconnected(plain.message, plain.hint)
