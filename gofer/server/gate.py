"""What answers while the server is still starting: an engine is slow to load, and many runs take time to go on."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gofer.errors import Unavailable
from gofer.models.system import Health
from gofer.server import correlation
from gofer.server.api import reply
from gofer.server.api.host_names import HostNames
from gofer.server.api.origin import HostCheck
from gofer.server.api.peer import PEER, Peers
from gofer.server.api.refuse import TALLY, refuse
from gofer.server.api.reply import Reply
from gofer.server.api.tally import Tally


class Gate:
    """The outermost of all: gives each request its id, and finds out where it comes from. Until it is opened
    `/healthz` says that the process lives, and everything else is a 503 that says why.

    Web pages of other sites are kept out here, from the first moment on.
    """

    def __init__(self, peers: Peers, names: HostNames, hsts: Callable[[], int | None], tally: Tally) -> None:
        """`hsts` as for HostCheck."""
        self._peers = peers
        self._tally = tally
        self._checked = HostCheck(self._serve, names, hsts)
        self._app: ASGIApp = _starting
        self._refused: Callable[[Scope, Reply], None] = _nobody_is_told

    def open(self, app: ASGIApp, refused: Callable[[Scope, Reply], None]) -> None:
        """From now on `app` answers, and `refused` is told of everybody who was refused."""
        self._app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn makes a task for each request, so the id is bound for as long as that lasts.
        correlation.bind(correlation.of_request(scope["headers"]))
        correlation.bind_connection(scope.get("client"), scope.get("server"))
        peer = scope[PEER] = self._peers.of(scope)
        correlation.bind_address(peer.address)
        scope[TALLY] = self._tally
        try:
            await self._checked(scope, receive, send)
        finally:
            if reply.REFUSED in scope:
                self._refused(scope, scope[reply.REFUSED])

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _nobody_is_told(_scope: Scope, _answer: Reply) -> None:
    """There is no store yet."""


async def _starting(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/healthz" and scope["type"] == "http":
        body = msgspec.json.encode(Health(status="starting"))
        await reply.write(Reply(200, body, b"application/json"), scope, receive, send)
        return
    error = Unavailable("The server is starting.", "Try again in a moment.")
    await refuse(error, "start", scope, receive, send)
