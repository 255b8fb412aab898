"""One websocket at work: decode, hand it to its handler, and close it properly whatever happens."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gofer.errors import GoferError, Unavailable
from gofer.server import correlation
from gofer.server.api import problem, reply
from gofer.server.api.authentication import check_caller
from gofer.server.api.decoders import Decoders
from gofer.server.api.endpoint import Call, NoBody, Socket, shapes_of
from gofer.server.api.peer import peer_of
from gofer.server.api.token_life import while_token_lives

if TYPE_CHECKING:
    from gofer.server.api.tally import Tally
    from gofer.server.services import Services

POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013
_MAX_REASON_BYTES = 123


class _WebSocket(WebSocket):
    """Accepts with the request's id among the headers."""

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        request_id = correlation.origin().correlation_id.encode()
        await super().accept(subprotocol, [*(headers or ()), (correlation.HEADER, request_id)])


class SocketRoute:
    """What a websocket endpoint needs at run time, made once."""

    def __init__(self, services: Services, socket: Socket, tally: Tally, decoders: Decoders) -> None:
        self._services = services
        self._socket = socket
        self._tally = tally
        shapes = shapes_of(socket.handler)
        self._path = decoders.parameters(shapes.path)
        self._query = decoders.parameters(shapes.query)

    async def serve(self, scope: Scope, receive: Receive, send: Send, given: dict[str, str]) -> None:
        """Returns when the websocket is closed. An error before it is accepted is answered as a problem."""
        websocket = _WebSocket(scope, receive, send)
        self._tally.opened(self._socket.path)
        try:
            at = self._path.of_path(given)
            caller = check_caller(scope, self._socket.permission, at, filtered=self._socket.filtered)
            query = self._query.of_query(scope["query_string"])
            call = Call(self._services, at, query, NoBody(), caller=caller, peer=peer_of(scope))
            await while_token_lives(self._services, caller, self._socket.handler(call, websocket))
            await _close(websocket, 1000, "")
        except WebSocketDisconnect:
            return
        except Exception as error:
            await self._fail(error, websocket, scope, send)
        finally:
            self._tally.closed(self._socket.path)

    async def _fail(self, error: Exception, websocket: WebSocket, scope: Scope, send: Send) -> None:
        where = f"websocket {self._socket.path}"
        if websocket.application_state is WebSocketState.CONNECTING:
            started, answer = perf_counter(), reply.of_error(error, where)
            await reply.deny(answer, scope, send)
            self._tally.note("GET", self._socket.path, answer.status, perf_counter() - started)
            return
        told = problem.details(error, where=where)
        await _close(websocket, close_code(error), f"{told.detail} {told.hint}")


def close_code(error: BaseException) -> int:
    """The websocket close code for `error`."""
    if isinstance(error, Unavailable):
        return TRY_AGAIN_LATER
    return POLICY_VIOLATION if isinstance(error, GoferError) and error.status < 500 else INTERNAL_ERROR


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    states: tuple[Any, ...] = (websocket.application_state, websocket.client_state)
    if WebSocketState.DISCONNECTED in states:
        return
    await websocket.close(code, _cut(reason))


def _cut(reason: str) -> str:
    """As much of `reason` as a close frame may hold."""
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
