"""Finds out who asks, before anything else is done for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from gofer.errors import GoferError, NotAuthenticated
from gofer.server.api.refuse import refuse
from gofer.server.auth.caller import ANONYMOUS, LOCAL, UNCLAIMED, Caller
from gofer.server.auth.verify import Verifier
from gofer.server.limits.refusals import Reason
from gofer.server.own_log import get_logger, says_debug

TASK_SOCKET: Final = "gofer.task_socket"
"""Stands in the scope of what comes in through the tasks' socket."""

CALLER: Final = "gofer.caller"
"""Stands in the scope of every request behind Authentication: who asks."""

_HINT = "Send the header: Authorization: Bearer TOKEN, with what GOFER_API_TOKEN holds."


class TaskDoor:
    """What the tasks' socket leads to: `app`, which is told where the request comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[TASK_SOCKET] = True
        await self._app(scope, receive, send)


class Authentication:
    """Wraps the application. A token or session that is given must be good; who brings none is `local` in development
    mode, and nobody elsewhere. On the tasks' socket a token is always needed."""

    def __init__(self, app: ASGIApp, verifier: Verifier, *, dev_mode: bool) -> None:
        self._app = app
        self._verifier = verifier
        self._dev_mode = dev_mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scope[CALLER] = await self._caller(scope)
        except GoferError as error:
            if says_debug():
                get_logger("gofer.api").debug("request refused", where="authentication", detail=error.message)
            reason: Reason | None = "auth_failed" if isinstance(error, NotAuthenticated) else None
            await refuse(error, "authentication", scope, receive, send, reason=reason)
            return
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        token = _bearer(scope["headers"])
        if token is not None:
            return await self._verifier.of_token(token)
        if TASK_SOCKET in scope:
            raise NotAuthenticated("This socket is for tasks, and they show the token of their run.", _HINT)
        if self._dev_mode:
            return LOCAL
        return ANONYMOUS if self._verifier.is_claimed else UNCLAIMED


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The token of the Authorization header (RFC 6750, 2.1); None where there is none, or one of another scheme.

    Raises NotAuthenticated for two.
    """
    found: str | None = None
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            if found is not None:
                raise NotAuthenticated("The request brings two tokens.", "Send one.")
            found = value[7:].strip().decode("latin-1")
    return found
