"""Finds out who asks, before anything else is done for them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from gofer.errors import GoferError, NotAuthenticated, Refused
from gofer.server.api.endpoint import Input, subject_of
from gofer.server.api.peer import peer_of
from gofer.server.api.refuse import refuse
from gofer.server.api.session_cookie import SESSION, session_of
from gofer.server.api.task_door import TASK_SOCKET
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.caller import ANONYMOUS, LOCAL, UNCLAIMED, Caller
from gofer.server.auth.permission import Permission
from gofer.server.auth.sessions import Sessions, csrf_of
from gofer.server.auth.verify import Verifier
from gofer.server.limits.failures import Failures
from gofer.server.limits.refusals import Reason
from gofer.server.own_log import get_logger, says_debug

CALLER: Final = "gofer.caller"
"""Stands in the scope of every request behind Authentication: who asks."""

CSRF_HEADER: Final = "X-Gofer-CSRF"

_FAULT: Final = "gofer.fault"
_CSRF = CSRF_HEADER.lower().encode()
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGN_IN = ("POST", SESSION.encode())
_HINT = "Send the header: Authorization: Bearer TOKEN, with what GOFER_API_TOKEN holds."


class Forged(Refused):
    """A request with a browser's cookie that may not be the will of who sits there. `reason`: what it counts as."""

    def __init__(self, message: str, hint: str, reason: Reason) -> None:
        super().__init__(message, hint)
        self.reason: Reason = reason


class Authentication:
    """Wraps the application. A token that is given must be good, and goes before a cookie; a cookie that is not good
    (any more) is as none. Who brings neither is `local` in development mode, and nobody elsewhere. On the tasks' socket
    a token is always needed, and cookies do not count."""

    def __init__(
        self, app: ASGIApp, verifier: Verifier, sessions: Sessions, failures: Failures, *, dev_mode: bool
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._sessions = sessions
        self._failures = failures
        self._dev_mode = dev_mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scope[CALLER] = await self._caller(scope)
        except GoferError as raised:
            error = raised
            if isinstance(raised, NotAuthenticated):
                error = self._failures.judge(peer_of(scope).address, raised)
            if says_debug():
                get_logger("gofer.api").debug("request refused", where="authentication", detail=error.message)
            reason = error.reason if isinstance(error, Forged) else None
            await refuse(error, "authentication", scope, receive, send, reason=reason)
            return
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        token = _bearer(scope["headers"])
        if token is not None:
            return await self._verifier.of_token(token)
        if TASK_SOCKET in scope:
            raise NotAuthenticated("This socket is for tasks, and they show the token of their run.", _HINT)
        text = session_of(scope)
        # Who signs in says who they are with a token, whatever the browser still has.
        if text and (scope.get("method"), scope["raw_path"]) != _SIGN_IN:
            caller = self._sessions.caller(text)
            if caller is not None:
                _check_own_page(scope, text)
                return caller
        if self._dev_mode:
            return LOCAL
        if text:
            error = NotAuthenticated("This session has ended.", "Sign in again: /login.")
            # An open page is no attempt: it counts only where somebody has to be known.
            scope[_FAULT] = partial(self._failures.judge, peer_of(scope).address, error)
        return ANONYMOUS if self._verifier.is_claimed else UNCLAIMED


def is_known(scope: Mapping[str, object]) -> bool:
    """Whether somebody asks who may do more than everybody."""
    caller = scope.get(CALLER)
    return isinstance(caller, Caller) and caller.kind not in (ANONYMOUS.kind, UNCLAIMED.kind)


def check_caller(scope: Scope, permission: Permission, at: Input, *, filtered: bool) -> Caller:
    """Who asks, and may do that with what the path `at` names. Raises as `check_allowed`, or TooManyRequests."""
    caller: Caller = scope[CALLER]
    try:
        check_allowed(caller, permission, *subject_of(at), filtered=filtered)
    except NotAuthenticated:
        if _FAULT in scope:
            raise scope[_FAULT]() from None
        raise
    return caller


def _check_own_page(scope: Scope, text: str) -> None:
    """A browser sends its cookie with whatever any page asks it to: a page of ours has to show that it is one.

    That an Origin, where there is one, is the server's own was seen to already (HostCheck). Raises Forged.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if scope["type"] == "websocket":
        if all(name != b"origin" for name, _ in headers):
            hint = "Browsers always say it. Any other program sends a token: Authorization: Bearer TOKEN."
            raise Forged("A websocket that is opened with a cookie must say its Origin.", hint, "origin")
        return
    if scope["method"] in _SAFE:
        return
    given = [value for name, value in headers if name == _CSRF]
    if len(given) != 1 or not hmac.compare_digest(given[0], csrf_of(text).encode()):
        what = "does not have" if not given else "has another value in"
        hint = f"It is what GET {SESSION} answers as csrf. With a token in place of a cookie it is not needed."
        raise Forged(
            f"A change that is made with a cookie needs its header {CSRF_HEADER}; this {what} it.", hint, "csrf"
        )


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The token of the Authorization header (RFC 6750, 2.1); None where there is none, or one of another scheme.

    Raises NotAuthenticated for two, and for an empty one: somebody meant to say who they are.
    """
    found: str | None = None
    for name, value in headers:
        if name == b"authorization" and value[:7].strip().lower() == b"bearer":
            if found is not None:
                raise NotAuthenticated("The request brings two tokens.", "Send one.")
            found = value[7:].strip().decode("latin-1")
            if not found:
                hint = "Is the variable or file empty that it is taken from? Send Authorization: Bearer TOKEN."
                raise NotAuthenticated("The request brings an empty token.", hint)
    return found
