"""Gofer's side of the trigger protocol: a real WebSocket server on a Unix socket."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gofer_sdk.trigger.errors import LinkLost, PeerError, ProtocolError
from gofer_sdk.trigger.frames import MAX_FRAME_BYTES, PROTOCOL, Fields, Request
from gofer_sdk.trigger.link import Link

if TYPE_CHECKING:
    from types import TracebackType

    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request as Handshake
    from websockets.http11 import Response

HEARTBEAT: Final = 15_000
MAX_UNANSWERED: Final = 100

# Takes the fields of a fire; returns the reply's, raises PeerError, or waits for as long as it likes.
OnFire = Callable[[Fields], Awaitable[Fields]]


class Peer:
    """A connection of a trigger. `fires` has what it told of, `logs` level and message, `kinds` what it asked."""

    def __init__(self, websocket: ServerConnection, greet: Callable[[Fields], Fields], on_fire: OnFire) -> None:
        self.link = Link(websocket, self._take)
        self.websocket = websocket
        self.hello: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()
        self.fires: asyncio.Queue[Fields] = asyncio.Queue()
        self.logs: list[tuple[str, str]] = []
        self.kinds: list[str] = []
        self.frames: list[Request] = []
        self.came = asyncio.Event()
        self._greet = greet
        self._on_fire = on_fire
        self._answering: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None]

    async def request(self, kind: str, /, **fields: object) -> Fields:
        """The trigger's reply. Raises PeerError, LinkLost."""
        return await self.link.request(kind, **fields)

    async def serve(self) -> None:
        """Read until the connection ends."""
        self._reading = asyncio.create_task(self.link.read(), name="reading")
        try:
            await asyncio.wait({self._reading})
            await self.websocket.wait_closed()
        finally:
            self._reading.cancel()
            for task in self._answering:
                task.cancel()
            if not self.hello.done():
                self.hello.cancel()

    def fall_silent(self) -> None:
        """From now on nothing that comes is read, and so nothing is answered."""
        self._reading.cancel()

    def _take(self, link: Link, request: Request) -> None:
        self.kinds.append(request.kind)
        self.frames.append(request)
        self.came.set()
        if request.kind == "log" and request.id is None:
            level, message = request.fields.get("level"), request.fields.get("message")
            self.logs.append((str(level), str(message)))
        elif request.id is not None:
            task = asyncio.create_task(self._answer(request.id, request), name=request.kind)
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer(self, re: int, request: Request) -> None:
        try:
            try:
                await self.link.reply(re, await self._reply(request))
            except PeerError as error:
                await self.link.fail(re, error.code, str(error))
        except (LinkLost, ProtocolError):
            pass

    async def _reply(self, request: Request) -> Fields:
        if request.kind == "hello":
            if not self.hello.done():
                self.hello.set_result(request.fields)
            return self._greet(request.fields)
        if request.kind == "fire":
            self.fires.put_nowait(request.fields)
            return await self._on_fire(request.fields)
        raise PeerError("unknown_kind", f'Unknown kind "{request.kind[:64]}".')


class GoferSide:
    """Listens in `folder` as long as it is entered. `heartbeat` in milliseconds.

    The first connections come to `connection`. With `refuse` set, handshakes are answered with that status.
    `greet` answers `hello` and `on_fire` what they tell of; either may raise PeerError.
    """

    def __init__(
        self, folder: Path, *, name: str, heartbeat: int = HEARTBEAT, max_frame_bytes: int = MAX_FRAME_BYTES
    ) -> None:
        self.name = name
        self.greet: Callable[[Fields], Fields] = self._welcome
        self.secret = secrets.token_urlsafe(24)
        self.socket = folder / "gofer.sock"
        self.refuse: HTTPStatus | None = None
        self.handshakes: list[str] = []
        self.peers: list[Peer] = []
        self.on_fire: OnFire = _started
        self._heartbeat = heartbeat
        self._max_frame_bytes = max_frame_bytes
        self._connections: asyncio.Queue[Peer] = asyncio.Queue()
        self._server: Server

    async def __aenter__(self) -> GoferSide:
        from websockets.asyncio.server import unix_serve

        self._server = await unix_serve(
            self._serve,
            str(self.socket),
            process_request=self._let_in,
            compression=None,
            max_size=self._max_frame_bytes,
            ping_interval=None,
            close_timeout=2,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    def environment(self, socket: str | None = None) -> dict[str, str]:
        """What the trigger is started with; `socket` is where it sees the socket, if not where it is."""
        return {
            "GOFER_TRIGGER_NAME": self.name,
            "GOFER_TRIGGER_URL": f"ws://localhost/api/v1/triggers/{self.name}/session",
            "GOFER_TRIGGER_SOCKET": socket or str(self.socket),
            "GOFER_TRIGGER_SECRET": self.secret,
        }

    async def connection(self, timeout: float) -> Peer:
        """The next connection that said hello. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while True:
                peer = await self._connections.get()
                await asyncio.wait({peer.hello})
                if not peer.hello.cancelled():
                    return peer

    def _welcome(self, fields: Fields) -> Fields:
        return {
            "protocol": PROTOCOL,
            "server": "test",
            "heartbeat": self._heartbeat,
            "max_frame_bytes": self._max_frame_bytes,
            "max_unanswered": MAX_UNANSWERED,
        }

    async def _fired(self, fields: Fields) -> Fields:
        return await self.on_fire(fields)

    def _let_in(self, connection: ServerConnection, request: Handshake) -> Response | None:
        self.handshakes.append(request.headers.get("Authorization", ""))
        if self.refuse is not None:
            return connection.respond(self.refuse, "refused\n")
        if self.handshakes[-1] != f"Bearer {self.secret}":
            return connection.respond(HTTPStatus.FORBIDDEN, "another secret\n")
        return None

    async def _serve(self, websocket: ServerConnection) -> None:
        peer = Peer(websocket, self.greet, self._fired)
        peer.link.max_frame_bytes = self._max_frame_bytes
        self.peers.append(peer)
        self._connections.put_nowait(peer)
        beat = asyncio.create_task(peer.link.beat(self._heartbeat / 1000), name="heartbeat")
        try:
            await peer.serve()
        finally:
            beat.cancel()
            await asyncio.wait({beat})


async def _started(fields: Fields) -> Fields:
    return started()


def started(run: int = 1) -> dict[str, Any]:
    """The reply to a fire that started a run."""
    return {"outcome": "started", "detail": "", "run": run, "url": f"/runs/{run}", "duplicate": False}
