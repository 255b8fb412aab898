"""Browsers sign in and out."""

from __future__ import annotations

import hmac
from typing import Any

from gofer.errors import NotAuthenticated, NotFound
from gofer.models.access import Login, Session
from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, NoPath, NoQuery
from gofer.server.api.peer import peer_of
from gofer.server.api.session_cookie import SESSION, session_of, set_session
from gofer.server.audit.record import author_of
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.caller import UNCLAIMED, Caller
from gofer.server.auth.sessions import csrf_of
from gofer.server.auth.tokens import digest_of, kind_of
from gofer.server.services import Services
from gofer.server.store.access import StoredToken
from gofer.server.store.beside import present

TAG = "session"


class EndQuery(Input, frozen=True, kw_only=True):
    """`everywhere`: every session of the token, not only this one."""

    everywhere: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="POST",
            path=SESSION,
            handler=_sign_in,
            summary="Sign a browser in with a token: sets a cookie",
            tag=TAG,
            permission="login:write",
            status=201,
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=SESSION,
            handler=_get,
            summary="Who is signed in, and what a page needs for its writes",
            tag=TAG,
            permission="self:read",
        ),
        Endpoint(
            method="DELETE",
            path=SESSION,
            handler=_sign_out,
            summary="Sign out this browser, or everywhere",
            tag=TAG,
            permission="self:write",
            status=204,
            errors=(404,),
            keeps=False,
        ),
    ]


async def _sign_in(call: Call[NoPath, NoQuery, Login]) -> Session:
    services, scope = call.services, _scope(call)
    address = peer_of(scope).address
    try:
        stored = _good_token(services, call.body.token.strip())
    except NotAuthenticated as error:
        raise services.failures.judge(address, error) from None
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"").decode("latin-1")
    if (audit := present()) is not None:
        # The request was nobody's until here.
        audit.more = author_of(Caller(stored.token.kind, token=stored.token.id), services.registry)
    text, caller = await services.sessions.open(stored, address, agent, session_of(scope))
    answer = _session(services, caller, text)
    seconds = ((answer.expires_at or 0) - services.clock.now()) // 1000
    call.headers = [set_session(scope, text, max(1, seconds))]
    return answer


async def _get(call: Call[NoPath, NoQuery, NoBody]) -> Session:
    return _session(call.services, call.caller, session_of(_scope(call)))


async def _sign_out(call: Call[NoPath, EndQuery, NoBody]) -> None:
    caller, sessions = call.caller, call.services.sessions
    if call.query.everywhere and caller.token:
        await sessions.close_all(caller.token)
    elif caller.session:
        await sessions.close(caller)
    else:
        raise NotFound(
            "This request belongs to no session.",
            "Only a browser's cookie does; a token ends with: gofer token delete.",
        )
    call.headers = [set_session(_scope(call), "", 0)]


def _good_token(services: Services, text: str) -> StoredToken:
    """Raises NotAuthenticated for a text that nobody can sign in with."""
    registry = services.registry
    if registry.is_empty:
        check_allowed(UNCLAIMED, "self:read", None)
    kind = kind_of(text)
    if kind == "run":
        raise NotAuthenticated(
            "This is the token of a task, and nobody can sign in with that.", "Take one of your own."
        )
    if kind not in ("management", "client"):
        raise NotAuthenticated(
            "This is no token that Gofer has made.", "Paste it whole, from gofer_ to its last letter."
        )
    stored = registry.token(registry.caller_of_token(text, services.clock.now()).token)
    if stored is None or not hmac.compare_digest(stored.digest, digest_of(text)):
        raise NotAuthenticated("This token was rotated: what holds now is its new text.", "Sign in with that.")
    return stored


def _session(services: Services, caller: Caller, text: str) -> Session:
    ends = services.sessions.ends(caller)
    who = services.tokens.whoami(caller)
    if ends is None:
        return Session(who=who)
    return Session(who=who, csrf=csrf_of(text), expires_at=ends.at, idle_until=ends.idle)


def _scope(call: Call[Any, Any, Any]) -> Any:
    assert call.scope is not None
    return call.scope
