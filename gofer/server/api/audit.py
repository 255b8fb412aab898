"""What of requests is told in audit events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import Scope

from gofer.errors import GoferError, Unavailable
from gofer.models.event import Kind
from gofer.server import correlation
from gofer.server.api.authentication import CALLER
from gofer.server.api.refuse import method_label
from gofer.server.api.reply import Reply
from gofer.server.api.session_cookie import SESSION
from gofer.server.audit.record import Request, name_of, owner, without_tokens
from gofer.server.audit.refused import Key, Told
from gofer.server.auth.caller import ANONYMOUS, Caller
from gofer.server.store.beside import Beside

if TYPE_CHECKING:
    from gofer.server.api.endpoint import Endpoint
    from gofer.server.services import Services

_LONGEST_REASON = 200
_READS = ("GET", "HEAD", "OPTIONS")

Template = Callable[[str], tuple[str, dict[str, str]]]


def kind_of(endpoint: Endpoint) -> Kind | None:
    """The audit event of a request that succeeds; None where it changes nothing and gives no secret away."""
    action = endpoint.permission.partition(":")[2]
    # Who has a backup has everything that is in it.
    if action == "reveal" or endpoint.permission == "backups:read":
        return Kind.AUDIT_REVEAL
    if endpoint.method in _READS or action == "read":
        return None
    return Kind.AUDIT_LOGIN if endpoint.path.startswith(SESSION) else Kind.AUDIT_WRITE


def request_of(scope: Scope, template: str, given: dict[str, str]) -> Request:
    """What an audit event tells of a request or websocket. `template`: that of its route."""
    # A client may make up methods, of any length.
    method = "WEBSOCKET" if scope["type"] == "websocket" else method_label(scope)
    return Request(f"{method} {template}", scope["raw_path"].decode("latin-1"), given)


async def tell_alone(services: Services, beside: Beside) -> None:
    """Store the event of what was done without a write of its own. Raises Unavailable."""
    try:
        await services.database.write(beside.alone)
    except GoferError as error:
        message = f"It was done, but no audit event tells of it: {error.message}"
        raise Unavailable(message, "`gofer service doctor` says what is wrong.") from error


class RefusedRequests:
    """Notes who was refused. `template` tells the route of a path."""

    def __init__(self, services: Services, template: Template) -> None:
        self._services = services
        self._template = template

    def note(self, scope: Scope, answer: Reply) -> None:
        """To be told of each request and websocket that was refused, while its context is there."""
        template, given = self._template(scope["raw_path"].decode("latin-1"))
        request = request_of(scope, template or "another path", given)
        caller: Caller = scope.get(CALLER, ANONYMOUS)
        key = Key(name_of(caller), correlation.address(), request.what, answer.status, answer.title)

        def told() -> Told:
            data = self._services.auditor.about(caller, request)
            reason = without_tokens(answer.refusal, _LONGEST_REASON)
            login = template == SESSION and scope.get("method") == "POST"
            kind = Kind.AUDIT_LOGIN if login else Kind.AUDIT_REFUSED
            return Told(kind, *owner(given), {**data, "status": answer.status, "reason": reason})

        self._services.refused_attempts.note(key, told)
