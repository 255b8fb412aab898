"""Keeps web pages of other sites out: no foreign Host name (DNS rebinding), no foreign Origin (forged requests).

That a server listens on a loopback address only is no shield: any web page can make the browser on the same machine
send requests there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from gofer.config.address import is_ip
from gofer.errors import BadRequest, GoferError, Refused
from gofer.models.ids import shown
from gofer.server.api import reply
from gofer.server.api.host_names import Host, HostNames, parse_host
from gofer.server.api.peer import peer_of
from gofer.server.api.refuse import refuse
from gofer.server.api.task_door import TASK_SOCKET
from gofer.server.limits.refusals import Reason

_FOREIGN = {b"cross-site", b"same-site"}
_FOLLOWED = ("GET", "HEAD")
_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_SECURE = {"https", "wss"}
_ELSEWHERE: Final = (
    "Call it localhost, by a loopback address, or by a name that stands in its certificate or in the "
    "setting server.allowed_hosts."
)


class HostCheck:
    """Wraps the application. No browser reaches the tasks' socket: what comes from there may call the server as it
    likes.

    `hsts` is asked for how many milliseconds a browser is to call the server by https only (RFC 6797); None: nothing
    is said of that.
    """

    def __init__(self, app: ASGIApp, names: HostNames, hsts: Callable[[], int | None]) -> None:
        self._app = app
        self._names = names
        self._hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = None if TASK_SOCKET in scope else self._fault(scope)
        if error is None:
            await self._app(scope, receive, send)
        else:
            await refuse(error, "host check", scope, receive, send, reason=_reason(error))

    def _fault(self, scope: Scope) -> GoferError | None:
        called = origin = None
        site = mode = b""
        for name, value in scope["headers"]:
            if name == b"host":
                if called is not None:
                    return BadRequest("The request has two Host headers.", "Send one.")
                called = value
            elif name == b"origin":
                if origin is not None:
                    return BadRequest("The request has two Origin headers.", "Send one.")
                origin = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"sec-fetch-mode":
                mode = value
        if called is None:
            return BadRequest("The request has no Host header.", "Send the name under which the server is called.")
        host = parse_host(called.decode("latin-1"))
        if host is None or not self._names.own(host.name):
            return Refused(f"The server is not called {shown(called.decode('latin-1'))}.", _ELSEWHERE)
        secure = peer_of(scope).secure
        if origin is not None and not _is_same(origin, host, secure=secure):
            return _foreign(shown(origin.decode("latin-1")))
        # What a page loads as an image or a script has no Origin. A link that was followed is another matter; a form
        # that was sent is none.
        if site in _FOREIGN and (mode != b"navigate" or scope.get("method") not in _FOLLOWED):
            return _foreign("another site")
        if secure:
            self._say_https_only(scope, host)
        return None

    def _say_https_only(self, scope: Scope, host: Host) -> None:
        """Browsers remember it of names only; and `localhost` is every program's on a machine."""
        if host.name == "localhost" or is_ip(host.name):
            return
        milliseconds = self._hsts()
        if milliseconds is not None:
            scope[reply.HSTS] = b"max-age=%d" % (milliseconds // 1000)


class ForeignOrigin(Refused):
    """A web page of another site asks."""


def _reason(error: GoferError) -> Reason:
    if isinstance(error, ForeignOrigin):
        return "origin"
    return "host" if isinstance(error, Refused) else "malformed"


def _foreign(site: str) -> Refused:
    hint = "Requests must come from the server's own pages, or from no web page at all."
    return ForeignOrigin(f"A web page of {site} may not do this.", hint)


def _is_same(origin: bytes, host: Host, *, secure: bool) -> bool:
    """`secure`: the client's connection is encrypted. Its pages have come over such a one as well then; whether a proxy
    that is not trusted speaks https, only the Origin tells."""
    scheme, separator, rest = origin.decode("latin-1").lower().partition("://")
    page = parse_host(rest)
    if not separator or scheme not in _PORTS or page is None or (secure and scheme not in _SECURE):
        return False
    default = _PORTS[scheme]
    return (page.name, page.port or default) == (host.name, host.port or default)
