"""Answers with a problem outside of the dispatcher, and counts that as a request."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from starlette.types import Receive, Scope, Send

from gofer.errors import GoferError
from gofer.server.api import reply
from gofer.server.api.tally import Tally
from gofer.server.limits.refusals import Reason

TALLY: Final = "gofer.tally"
"""Stands in the scope of everything that comes through the gate."""

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


async def refuse(
    error: GoferError, where: str, scope: Scope, receive: Receive, send: Send, *, reason: Reason | None = None
) -> None:
    """Answer a request, or a websocket's handshake, with `error`. `where` is for the log; `reason`: what it counts as
    among what was refused, None where it is no abuse."""
    started = perf_counter()
    answer = reply.of_error(error, where)
    tally: Tally | None = scope.get(TALLY)
    if tally is not None and reason is not None:
        tally.refusals.note(reason)
    if scope["type"] == "websocket":
        await reply.deny(answer, scope, send)
    else:
        await reply.write(answer, scope, receive, send)
    if tally is not None:
        # The path may be anything, so it is no label.
        tally.note(method_label(scope), "", answer.status, perf_counter() - started)


def method_label(scope: Scope) -> str:
    """The method as metrics have it: a client may make up any number of them."""
    method: str = scope.get("method", "GET")
    return method if method in _METHODS else "other"
