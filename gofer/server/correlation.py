"""What the present work is done for: every line of the own log says it, and so does what a request is answered."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import NamedTuple

from gofer.models.ids import is_correlation_id

HEADER = b"x-request-id"


class Origin(NamedTuple):
    """`correlation_id` is that of the request, or of the one that started the run; `run` names the run."""

    correlation_id: str = ""
    run: str = ""


class Connection(NamedTuple):
    """Over which a request came."""

    client_host: str
    client_port: int
    server_port: int


_ADDRESS: ContextVar[str] = ContextVar("address", default="")
_CONNECTION: ContextVar[Connection | None] = ContextVar("connection", default=None)
_ORIGIN: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039  (immutable)


def bind(correlation_id: str, run: str = "") -> None:
    """From here on, whatever this task does (and the tasks that it makes) is done for that."""
    _ORIGIN.set(Origin(correlation_id, run))


def bind_connection(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> None:
    """The same for what ASGI says of a request's connection; a unix socket has no ports."""
    if client is None or server is None or server[1] is None:
        _CONNECTION.set(None)
    else:
        _CONNECTION.set(Connection(client[0], client[1], server[1]))


def bind_address(address: str) -> None:
    """The same for the client's address, as `Peer` has it."""
    _ADDRESS.set(address)


def address() -> str:
    """From where the present work was asked for: the client's IP address, "task socket" for a task. Empty where nobody
    has asked."""
    return _ADDRESS.get()


def connection() -> Connection | None:
    """Over which connection the present work was asked for, if it came over TCP."""
    return _CONNECTION.get()


def origin() -> Origin:
    """What the present work is done for; empty where it is for nobody in particular."""
    return _ORIGIN.get()


def of_request(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id that the caller has given to its request, if it is well formed; else a new one."""
    for name, value in headers:
        if name == HEADER:
            text = value.decode("latin-1")
            if is_correlation_id(text):
                return text
            break
    return new_id()


def new_id() -> str:
    """24 hex digits, unique for all time. The time comes first, so that an index of them grows at its end."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(6).hex()}"
