"""Errors as `application/problem+json` (RFC 9457): what is wrong, and what to do next."""

from __future__ import annotations

import secrets

import msgspec

from gofer.errors import GoferError, InvalidInput, NotAuthenticated, Problem, TooManyRequests, Unavailable
from gofer.frozen import deleted_folder
from gofer.server import correlation
from gofer.server.own_log import get_logger

CONTENT_TYPE = b"application/problem+json"
RETRY_AFTER_SECONDS = 5
START_AGAIN = "Start Gofer again: no job ends by that. Keep what cleans /tmp away from _MEI*, or set TMPDIR."

_HINTS = {
    400: "Compare the request with /api/docs.",
    401: "docs/task-api.md says how to authenticate.",
    403: "The server's configuration decides this; see docs/configuration.md.",
    404: "List what there is, or see /api/docs for every path.",
    409: "Look at the present state of the thing, then try again.",
    410: "It was removed on purpose and does not come back.",
    413: "Send less at once.",
    408: "Send the whole request at once.",
    422: "Compare the request with /api/docs.",
    429: "Wait for as long as Retry-After says, then try again.",
    500: "This is a fault of Gofer itself. The server's log has the details under the error's id.",
    503: "Nothing was changed. Try again in a few seconds; `gofer service doctor` says what is wrong.",
}


class MethodNotAllowed(GoferError):
    """The path exists, but not with this method. `allowed` goes into the Allow header."""

    status = 405
    title = "Method not allowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"This path does not take {method}.", f"It takes {allowed}.")
        self.allowed = allowed


class NotAcceptable(GoferError):
    """The Accept header allows nothing the server can write."""

    status = 406
    title = "Not acceptable"


class UnsupportedMediaType(GoferError):
    """The Content-Type is not one the server can read."""

    status = 415
    title = "Unsupported media type"


class RangeNotSatisfiable(GoferError):
    """The Range header asks for nothing that is there. `size` is that of the whole, in bytes."""

    status = 416
    title = "Range not satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(
            f"There are {size} bytes, and none of them in that range.", "Ask for another range, or for all."
        )
        self.size = size


class UpgradeRequired(GoferError):
    """A plain HTTP request to a path that is a websocket."""

    status = 426
    title = "Upgrade required"


class ProblemDetails(msgspec.Struct, kw_only=True):
    """Body of every error. `hint` says what to do; `problems` lists each fault of the input with its place.

    `error_id` stands beside an internal error only; the server's log has the details under it. `request_id` is the
    X-Request-Id: every line of the server's log about this request has it as its correlation_id.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str
    problems: list[Problem] | msgspec.UnsetType = msgspec.UNSET
    error_id: str | msgspec.UnsetType = msgspec.UNSET
    request_id: str | msgspec.UnsetType = msgspec.UNSET


def details(error: BaseException, *, where: str) -> ProblemDetails:
    """What the client is told of `error`.

    An exception that is not a GoferError is a fault of Gofer's own: it is logged with its traceback and `where` (method
    and route) under a new error id, and nothing of it is shown.
    """
    if not isinstance(error, GoferError):
        return _internal(error, where)
    problems = list(error.problems) if isinstance(error, InvalidInput) else []
    return ProblemDetails(
        title=error.title,
        status=error.status,
        detail=error.message,
        hint=error.hint or _HINTS.get(error.status, _HINTS[400]),
        problems=problems or msgspec.UNSET,
        request_id=_request_id(),
    )


def deleted() -> str:
    """A sentence, if what the one-file program had unpacked was deleted; else an empty text."""
    folder = deleted_folder()
    return f"The folder {folder} that Gofer had unpacked itself into was deleted." if folder else ""


def headers(error: BaseException) -> list[tuple[bytes, bytes]]:
    """The headers that belong to this error besides those of every answer."""
    if isinstance(error, MethodNotAllowed):
        return [(b"allow", error.allowed.encode())]
    if isinstance(error, NotAuthenticated):
        return [(b"www-authenticate", b'Bearer realm="gofer"')]
    if isinstance(error, Unavailable):
        return [(b"retry-after", str(RETRY_AFTER_SECONDS).encode())]
    if isinstance(error, TooManyRequests):
        return [(b"retry-after", str(error.retry_after).encode())]
    if isinstance(error, RangeNotSatisfiable):
        return [(b"content-range", f"bytes */{error.size}".encode())]
    if isinstance(error, UpgradeRequired):
        return [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    return []


def _internal(error: BaseException, where: str) -> ProblemDetails:
    error_id = secrets.token_hex(4)
    get_logger("gofer.api").error("unexpected error", error_id=error_id, where=where, exc_info=error)
    why = deleted().removesuffix(".")
    return ProblemDetails(
        title="Internal error",
        status=500,
        detail=f"{why or 'Something went wrong inside Gofer'} (error {error_id}).",
        hint=START_AGAIN if why else _HINTS[500],
        error_id=error_id,
        request_id=_request_id(),
    )


def _request_id() -> str | msgspec.UnsetType:
    return correlation.origin().correlation_id or msgspec.UNSET
