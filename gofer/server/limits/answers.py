"""Problems that are written to a connection on which no request has come as far as the application."""

from __future__ import annotations

from gofer.errors import BadRequest, GoferError, TooLarge, Unavailable
from gofer.models.units import format_duration, format_size
from gofer.server.api import reply


class RequestTimeout(GoferError):
    """The request did not come whole in time."""

    status = 408
    title = "Request timeout"


class HeaderTooLarge(TooLarge):
    """The head of a request is over its limit."""

    status = 431
    title = "Header too large"


class NoWebsocket(GoferError):
    """The handshake of a websocket that cannot be one."""

    title = "No websocket"

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why, "Connect with a websocket client that speaks RFC 6455 (version 13).")
        self.status = status


def encoded(error: GoferError) -> bytes:
    """The whole answer, after which the connection ends."""
    answer = reply.of_error(error, "connection")
    return reply.encoded(answer._replace(headers=[*answer.headers, (b"connection", b"close")], drain=False))


def header_too_large(limit: int) -> HeaderTooLarge:
    """`limit` in bytes."""
    hint = "Send fewer or shorter headers, or have server.max_header_bytes raised."
    return HeaderTooLarge(f"The request's head is larger than {format_size(limit)}.", hint)


def stalled(timeout: int) -> RequestTimeout:
    """Nothing more of an upload came for `timeout` milliseconds."""
    hint = "Send it again, without pauses, or have server.stall_timeout raised."
    return RequestTimeout(f"Nothing more of the upload came for {format_duration(timeout)}.", hint)


def timed_out(what: str, timeout: int) -> RequestTimeout:
    """`what` did not come within `timeout` milliseconds."""
    hint = "Send the whole request at once, or have server.request_timeout raised."
    return RequestTimeout(f"The request's {what} did not come whole within {format_duration(timeout)}.", hint)


def full(limit: int) -> Unavailable:
    """All of `limit` connections are busy."""
    hint = "Try again in a moment; server.max_connections says how many there may be."
    return Unavailable(f"All of the server's {limit} connections are busy.", hint)


def malformed(what: str) -> BadRequest:
    """`what` stands in the request where it must not."""
    return BadRequest(f"This is no HTTP request that can be answered: {what}.", "Send it as RFC 9112 has it.")
