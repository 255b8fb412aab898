"""Writing answers to the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from starlette.types import Receive, Scope, Send

from gofer.errors import TooLarge
from gofer.server import correlation
from gofer.server.api import problem
from gofer.server.api.body import drain
from gofer.server.api.endpoint import STRICT_POLICY
from gofer.server.own_log import get_logger

Headers = Sequence[tuple[bytes, bytes]]

REFUSED: Final = "gofer.refused"
"""Stands in the scope of what was refused to somebody, not for what was asked but for who asked: the Reply."""

HSTS: Final = "gofer.hsts"
"""Stands in the scope of what is answered with a strict-transport-security header: its value."""

# Nothing that the API writes may be run, framed, sniffed, kept, or told of to other sites; and none of its pages needs
# anything of the machine that a browser runs on.
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), "
        b"gyroscope=(), hid=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), "
        b"publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
    ),
)
_REFUSALS = (401, 403, 429)
_NO_STORE = b"no-store"
_CACHE = (b"cache-control", _NO_STORE)
_POLICY = (b"content-security-policy", STRICT_POLICY)


class Chunks(NamedTuple):
    """The body of an answer of any length, its first part fetched already (None: there is none)."""

    first: bytes | None
    rest: AsyncIterator[bytes]


class Reply(NamedTuple):
    """An answer. `policy` replaces the strict content security policy, `cache` what keeps it from being kept.

    `drain`: a body may still be coming in.

    With `chunks` they are the body, and `body` is not used. `refusal` says why the caller was refused, and `title` the
    kind of that.
    """

    status: int
    body: bytes = b""
    content_type: bytes = b""
    headers: Headers = ()
    policy: bytes = STRICT_POLICY
    cache: bytes = _NO_STORE
    drain: bool = False
    chunks: Chunks | None = None
    refusal: str = ""
    title: str = ""


def of_error(error: BaseException, where: str) -> Reply:
    """The problem that says what `error` is; `where` is for the log."""
    told = problem.details(error, where=where)
    return Reply(
        told.status,
        msgspec.json.encode(told),
        problem.CONTENT_TYPE,
        problem.headers(error),
        drain=isinstance(error, TooLarge),
        refusal=told.detail if told.status in _REFUSALS else "",
        title=told.title,
    )


async def write(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer; without its body to a HEAD request."""
    if reply.refusal:
        scope[REFUSED] = reply
    await send({"type": "http.response.start", "status": reply.status, "headers": _head(reply, scope)})
    if reply.chunks is not None:
        await _write_chunks(reply.chunks, scope, receive, send)
        return
    body = b"" if scope["method"] == "HEAD" else reply.body
    if reply.drain:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await drain(receive)
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _write_chunks(chunks: Chunks, scope: Scope, receive: Receive, send: Send) -> None:
    """Stops early when the client goes away. A fault is logged and cuts the answer off, so that nobody takes it for
    whole."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        if chunks.first is not None and scope["method"] != "HEAD":
            await _send_all(chunks, gone, send)
        await send({"type": "http.response.body", "body": b""})
    except Exception as error:
        get_logger("gofer.api").error("an answer was cut off", path=scope["path"], exc_info=error)
    finally:
        gone.cancel()
        await close(chunks.rest)


async def _send_all(chunks: Chunks, gone: asyncio.Future[None], send: Send) -> None:
    await send({"type": "http.response.body", "body": chunks.first, "more_body": True})
    async for chunk in chunks.rest:
        if gone.done():
            return
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def close(chunks: Any) -> None:
    """Of what is not going to be sent (any more)."""
    if hasattr(chunks, "aclose"):
        await chunks.aclose()


async def deny(reply: Reply, scope: Scope, send: Send) -> None:
    """Answer a websocket's handshake with an HTTP error."""
    if reply.refusal:
        scope[REFUSED] = reply
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.http.response.start", "status": reply.status, "headers": _head(reply, scope)})
    await send({"type": "websocket.http.response.body", "body": reply.body})


def _head(reply: Reply, scope: Scope) -> list[tuple[bytes, bytes]]:
    policy = _POLICY if reply.policy is STRICT_POLICY else (_POLICY[0], reply.policy)
    cache = _CACHE if reply.cache is _NO_STORE else (_CACHE[0], reply.cache)
    headers = [*_ALWAYS, cache, policy, *reply.headers]
    if (https_only := scope.get(HSTS)) is not None:
        headers.append((b"strict-transport-security", https_only))
    if request_id := correlation.origin().correlation_id:
        headers.append((correlation.HEADER, request_id.encode()))
    if reply.content_type:
        headers.append((b"content-type", reply.content_type))
    if reply.drain:
        headers.append((b"connection", b"close"))
    if reply.status not in (204, 304) and reply.chunks is None:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    return headers


def headers_of(reply: Reply) -> Headers:
    """Those of an answer on a connection on which no application answers."""
    return _head(reply, {})


def encoded(reply: Reply) -> bytes:
    """A whole answer of HTTP/1.1, for a connection on which no application answers."""
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers_of(reply)]
    return b"\r\n".join([*lines, b"", reply.body])
