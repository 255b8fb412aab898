"""What the server answered, turned into values or errors."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from gofer.client.address import Address
from gofer.errors import ClientError, Problem
from gofer.models.ids import shown

T = TypeVar("T")

# What http.client and websockets say of a server that closes the connection in place of an answer.
_HANGS_UP = frozenset({"RemoteDisconnected", "InvalidMessage", "EOFError"})


class Untrusted(ClientError):
    """The server cannot prove who it is; asking again will not help."""


class _Answer(msgspec.Struct, kw_only=True):
    """The fields of application/problem+json that Gofer uses."""

    title: str = ""
    detail: str = ""
    hint: str = ""
    problems: list[Problem] = []
    request_id: str = ""


def decode(body: bytes, type_: type[T], address: Address) -> T:
    """`body` (JSON) as `type_`. Raises ClientError where the server speaks another version of the API."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise ClientError(
            f"the answer of {address} is not understood: {error}",
            "Compare the versions of the two: `gofer --version` and `gofer service info`.",
        ) from None


def error_of(status: int, content_type: str, body: bytes, address: Address) -> ClientError:
    """The error that an answer with HTTP `status` (300 or more) stands for."""
    if content_type.partition(";")[0].strip() != "application/problem+json":
        return ClientError(
            f"{address} answered with status {status}, and not as a Gofer server does",
            "Is another program listening there? Say where Gofer is with --host.",
        )
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError:
        answer = _Answer(
            detail=f"the server answered with status {status}: {shown(body[:200].decode(errors='replace'))}"
        )
    return ClientError(
        answer.detail or answer.title or f"the server answered with status {status}",
        answer.hint,
        problem_status=status,
        title=answer.title,
        problems=answer.problems,
        request_id=answer.request_id,
    )


def unreachable(address: Address, error: BaseException) -> ClientError:
    """The error for a server that could not be connected to, or was lost."""
    if address.scheme == "https":
        import ssl

        if isinstance(error, ssl.SSLError):
            from gofer.client.tls import refused

            return refused(address, error)
    hint = "Start it with `gofer service start`, or say where it is with --host or GOFER_CLI_HOST."
    if address.socket:
        hint = "A server that is being restarted is back in a moment. If it is elsewhere: --host or GOFER_CLI_HOST."
    if isinstance(error, TimeoutError):
        hint = "If it is Gofer that listens there, its own log says what keeps it: `gofer service logs --journal`."
    if address.scheme == "http" and not address.socket and type(error).__name__ in _HANGS_UP:
        hint = f"Does it speak https? Then write --host https://{address.netloc}."
    return ClientError(f"cannot reach the server at {address}: {_cause(error)}", hint)


def broken_off(address: Address, error: BaseException) -> ClientError:
    """The error for an answer that has begun and not come to its end: the server ends it where it dies, where nothing
    is taken for long, and where the token is no longer good."""
    why = f": {_cause(error)}" if isinstance(error, OSError) else ""
    return ClientError(
        f"the answer of the server at {address} broke off{why}",
        "See that the server runs (`gofer service info`) and that your token is good (`gofer token whoami`), then try "
        "again.",
    )


def _cause(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    text: Any = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)
