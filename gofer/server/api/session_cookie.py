"""The cookie that a browser is signed in with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from gofer.server.api.host_names import parse_host
from gofer.server.api.peer import peer_of

SESSION: Final = "/api/v1/session"
"""Where browsers sign in and out."""

_NAME = b"gofer-session"
# A browser takes a cookie of such a name only from the host itself, by https, for all paths (RFC 6265bis, 4.1.3.2).
_HOST = b"__Host-"


def session_of(scope: Scope) -> str:
    """What the cookie holds; empty where there is none.

    Two of the same name say that somebody else has planted one: then neither is believed.
    """
    cookies = [value for name, value in scope["headers"] if name == b"cookie"]
    if not cookies:
        return ""
    plain = _plain_name(scope)
    names = [_HOST + plain] if peer_of(scope).secure else [_HOST + plain, plain]
    for wanted in names:
        found = list(_values(cookies, wanted))
        if found:
            return found[0].decode("latin-1") if len(found) == 1 else ""
    return ""


def set_session(scope: Scope, text: str, seconds: int) -> tuple[bytes, bytes]:
    """The header that sets it, for so long; that takes it away, with an empty `text`."""
    secure = _is_secure(scope)
    name = _HOST + _plain_name(scope) if secure else _plain_name(scope)
    parts = [name + b"=" + text.encode(), b"Path=/", b"Max-Age=%d" % seconds, b"HttpOnly", b"SameSite=Strict"]
    return b"set-cookie", b"; ".join([*parts, b"Secure"] if secure else parts)


def _plain_name(scope: Scope) -> bytes:
    """With the port by which the browser calls the server: cookies are shared by all ports of a host."""
    called = next((value for name, value in scope["headers"] if name == b"host"), b"")
    host = parse_host(called.decode("latin-1"))
    return _NAME + b"-" + host.port.encode() if host is not None and host.port else _NAME


def _is_secure(scope: Scope) -> bool:
    """Whether the browser's connection is encrypted. Its Origin tells so of a proxy that is not trusted; it was found
    to be the server's own."""
    if peer_of(scope).secure:
        return True
    return any(name == b"origin" and value.lower().startswith(b"https://") for name, value in scope["headers"])


def _values(cookies: Iterable[bytes], wanted: bytes) -> Iterable[bytes]:
    for header in cookies:
        for pair in header.split(b";"):
            name, _, value = pair.strip().partition(b"=")
            if name == wanted:
                yield value
