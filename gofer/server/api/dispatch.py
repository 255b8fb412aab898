"""The API as one ASGI application: finds the route, decodes, calls its handler, encodes."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gofer.errors import GoferError, NotAuthenticated, NotFound, TooLarge, TooManyRequests
from gofer.models.ids import shown
from gofer.server import correlation
from gofer.server.api import reply
from gofer.server.api.authentication import CALLER
from gofer.server.api.body import ClientGone
from gofer.server.api.decoders import Decoders
from gofer.server.api.endpoint import Endpoint, Socket
from gofer.server.api.http_route import HttpRoute
from gofer.server.api.idempotency import Idempotency
from gofer.server.api.problem import MethodNotAllowed, UpgradeRequired
from gofer.server.api.refuse import method_label, refuse
from gofer.server.api.reply import Reply
from gofer.server.api.socket_route import SocketRoute
from gofer.server.api.tally import Tally
from gofer.server.api.token_life import while_token_lives
from gofer.server.api.tree import Node, Tree
from gofer.server.api.upload import RefusedUpload
from gofer.server.auth.caller import LOCAL
from gofer.server.limits.callers import Callers
from gofer.server.own_log import get_logger, says_debug

if TYPE_CHECKING:
    from gofer.server.services import Services

_SOCKET = "WEBSOCKET"

_Route = HttpRoute | SocketRoute


class Dispatcher:
    """Serves `endpoints` and `sockets`. Unknown paths and methods are answered with problems too."""

    def __init__(
        self, services: Services, endpoints: Sequence[Endpoint], sockets: Sequence[Socket], tally: Tally
    ) -> None:
        self._services = services
        self._tally = tally
        self._log = get_logger("gofer.api")
        self._tree: Tree[_Route] = Tree()
        self._requests = Callers(
            "requests",
            "max_connections_per_token",
            lambda: services.settings.server.max_connections_per_token,
            tally.refusals,
            "connections_per_token",
        )
        self._subscriptions = Callers(
            "websockets",
            "max_subscriptions_per_token",
            lambda: services.settings.server.max_subscriptions_per_token,
            tally.refusals,
            "subscriptions_per_token",
        )
        idempotency, decoders = Idempotency(services.database, services.clock), Decoders()
        for endpoint in endpoints:
            self._tree.add(endpoint.method, endpoint.path, HttpRoute(services, endpoint, idempotency, decoders))
        for socket in sockets:
            self._tree.add(_SOCKET, socket.path, SocketRoute(services, socket, tally, decoders))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = scope["type"] == "websocket"
        counted = self._subscriptions if websocket else self._requests
        try:
            key = counted.begin(scope.get(CALLER, LOCAL))
        except TooManyRequests as error:
            await refuse(error, "limit of a token", scope, receive, send)
            return
        try:
            await (self._websocket if websocket else self._http)(scope, receive, send)
        finally:
            counted.end(key)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        node: Node[_Route] | None = None
        try:
            node, given = self._find(scope)
            route = _http_route(node, scope["method"])
            answer = _options(node) if route is None else await route.answer(scope, receive, given)
        except ClientGone:
            return
        except Exception as raised:
            error = raised.error if isinstance(raised, RefusedUpload) else raised
            if isinstance(error, TooLarge):
                self._tally.refusals.note("body_too_large")
            where = f"{method_label(scope)} {node.template if node else 'unknown path'}"
            if isinstance(error, GoferError) and error.status >= 500:
                self._log.warning("request refused", where=where, title=error.title, detail=error.message)
            answer = reply.of_error(error, where)
            if isinstance(raised, RefusedUpload):
                answer = answer._replace(drain=raised.unread)
        await self._write(answer, scope, receive, send)
        seconds = perf_counter() - started
        self._tally.note(method_label(scope), node.template if node else "", answer.status, seconds)
        if says_debug():
            path = scope["raw_path"].decode("latin-1")
            self._log.debug(
                "request",
                client=correlation.address(),
                method=method_label(scope),
                path=path,
                status=answer.status,
                milliseconds=f"{seconds * 1000:.1f}",
            )

    async def _write(self, answer: Reply, scope: Scope, receive: Receive, send: Send) -> None:
        """What may take long is broken off with the end of the caller's token."""
        writing = reply.write(answer, scope, receive, send)
        if answer.chunks is None:
            await writing
            return
        try:
            await while_token_lives(self._services, scope[CALLER], writing)
        except NotAuthenticated as error:
            self._log.info("an answer was broken off", path=scope["path"], detail=error.message)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            node, given = self._find(scope)
            route = node.targets.get(_SOCKET)
            if not isinstance(route, SocketRoute):
                raise NotFound("This path is not a websocket.", "See /api/docs.")
        except GoferError as error:
            await refuse(error, "websocket", scope, receive, send)
            return
        await route.serve(scope, receive, send, given)

    def template(self, raw_path: str) -> tuple[str, dict[str, str]]:
        """The path as it was declared, and its parameters as they were sent; an empty text where there is none such."""
        found = self._tree.find(raw_path)
        return ("", {}) if found is None else (found[0].template, found[1])

    def _find(self, scope: Scope) -> tuple[Node[_Route], dict[str, str]]:
        raw_path = scope["raw_path"].decode("latin-1")
        found = self._tree.find(raw_path)
        if found is None:
            raise NotFound(f"There is nothing at {shown(raw_path)}.", self._where_else(raw_path))
        return found

    def _where_else(self, raw_path: str) -> str:
        plain = "/" + "/".join(part for part in raw_path.split("/") if part)
        if plain != raw_path and self._tree.find(plain) is not None:
            return f"It is written {shown(plain)}, without empty parts."
        return "See /api/docs for every path."


def _http_route(node: Node[_Route], method: str) -> HttpRoute | None:
    """The route, None for OPTIONS. Raises MethodNotAllowed or UpgradeRequired."""
    route = node.targets.get("GET" if method == "HEAD" else method)
    if isinstance(route, HttpRoute):
        return route
    if method == "OPTIONS":
        return None
    if method == "GET" and _SOCKET in node.targets:
        raise UpgradeRequired("This path is a websocket.", "Connect to it with a websocket client (ws://).")
    raise MethodNotAllowed(shown(method)[1:-1], _allowed(node))


def _allowed(node: Node[_Route]) -> str:
    methods = {"GET" if method == _SOCKET else method for method in node.targets}
    if "GET" in node.targets:
        methods.add("HEAD")
    return ", ".join(sorted({*methods, "OPTIONS"}))


def _options(node: Node[_Route]) -> Reply:
    return Reply(204, headers=[(b"allow", _allowed(node).encode())])
