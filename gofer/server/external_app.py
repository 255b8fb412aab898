"""What external events come in through: one path, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from starlette.types import Message, Receive, Scope, Send

from gofer.config.live import Live
from gofer.errors import GoferError, NotFound, TooLarge
from gofer.models.units import format_size
from gofer.server import correlation
from gofer.server.api import reply
from gofer.server.api.body import ClientGone, read_body
from gofer.server.api.peer import Peers
from gofer.server.api.problem import MethodNotAllowed
from gofer.server.api.refuse import method_label
from gofer.server.api.reply import Reply
from gofer.server.api.tally import Tally
from gofer.server.own_log import get_logger, says_debug
from gofer.server.triggers.external import Arrived, ExternalEvents

ROUTE = "/events/{trigger}"

_PREFIX = "/events/"
_NOTHING = Reply(404, b'{"title":"Not found","status":404}', b"application/problem+json", drain=True)


class ExternalApp:
    """The application behind `external_events_api.host`. No token is asked for: it is the trigger that checks who has
    sent something, by a signature mostly."""

    def __init__(self, events: ExternalEvents, live: Live, peers: Peers, tally: Tally) -> None:
        self._events = events
        self._live = live
        self._peers = peers
        self._tally = tally
        self._log = get_logger("gofer.external")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        correlation.bind(correlation.of_request(scope["headers"]))
        peer = self._peers.of(scope)
        correlation.bind_address(peer.address)
        if scope["type"] == "websocket":
            await reply.deny(_NOTHING, scope, send)
            return
        started = perf_counter()
        try:
            route, answer = await self._answer(scope, receive, peer.address)
        except ClientGone:
            return
        await reply.write(answer, scope, receive, send)
        seconds = perf_counter() - started
        self._tally.note(method_label(scope), route, answer.status, seconds)
        if says_debug():
            self._log.debug(
                "external event",
                client=peer.address,
                method=method_label(scope),
                path=scope["raw_path"].decode("latin-1"),
                status=answer.status,
                milliseconds=f"{seconds * 1000:.1f}",
            )

    async def _answer(self, scope: Scope, receive: Receive, address: str) -> tuple[str, Reply]:
        """The route as metrics have it, empty for what is none, and the answer."""
        path: str = scope["raw_path"].decode("latin-1")
        trigger = path.removeprefix(_PREFIX)
        if not path.startswith(_PREFIX) or "/" in trigger or not trigger:
            return "", _NOTHING
        if scope["method"] != "POST":
            return ROUTE, reply.of_error(MethodNotAllowed(method_label(scope), "POST"), ROUTE)._replace(drain=True)
        try:
            session = self._events.find(trigger)
        except NotFound:
            return ROUTE, _NOTHING
        incoming = _Incoming(receive)
        try:
            with self._events.admitted(address) as hold:
                incoming.on_part = hold
                body = await self._body(scope, incoming)
                arrived = Arrived(scope["query_string"].decode("latin-1"), _headers(scope), body, address)
                told = await self._events.pass_on(trigger, session, arrived)
            answer = Reply(told.status, told.body, told.content_type.encode())
        except GoferError as error:
            answer = self._refusal(error, trigger)._replace(drain=incoming.unread)
        self._tally.took_event(trigger, answer.status)
        return ROUTE, answer

    async def _body(self, scope: Scope, incoming: _Incoming) -> bytes:
        length = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        limit = self._live.settings.external_events_api.max_body_bytes
        try:
            return await read_body(incoming.receive, length, limit)
        except TooLarge:
            self._tally.refusals.note("body_too_large")
            hint = "Send less at once, or have external_events_api.max_body_bytes raised."
            raise TooLarge(f"The body is larger than {format_size(limit)}.", hint) from None

    def _refusal(self, error: GoferError, trigger: str) -> Reply:
        if error.status >= 500:
            cause = error.__cause__ or error
            self._log.warning("an external event was not taken", trigger=trigger, title=error.title, detail=str(cause))
        return reply.of_error(error, ROUTE)


class _Incoming:
    """A body on its way. `on_part` is told the size of each part; `unread`: some may still come, and whoever sends it
    is to see the answer all the same."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.on_part: Callable[[int], None] = lambda _: None
        self.unread = True

    async def receive(self) -> Message:
        message = await self._receive()
        self.unread = message.get("more_body", False)
        self.on_part(len(message.get("body", b"")))
        return message


def _headers(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
