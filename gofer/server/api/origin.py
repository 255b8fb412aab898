"""Keeps web pages of other sites out: no foreign Host name (DNS rebinding), no foreign Origin (forged requests).

That the server listens on a loopback address only is no shield: any web page can make the browser on the same machine
send requests there.
"""

from __future__ import annotations

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

from gofer.errors import BadRequest, GoferError, Refused
from gofer.models.ids import shown
from gofer.server.api import reply
from gofer.server.api.authentication import TASK_SOCKET

_FOREIGN = {b"cross-site", b"same-site"}
_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_REMEMBERED = 64


class HostCheck:
    """Wraps the application. `address` is the configured `server.host`: its name, `localhost` and loopback addresses
    are the names under which the server may be called, at any port (a port may be forwarded). No browser reaches the
    tasks' socket: what comes from there may call the server as it likes."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._own = split_host(address)[0].lower()
        self._known: dict[bytes, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = None if TASK_SOCKET in scope else self._fault(scope)
        if error is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await reply.deny(reply.of_error(error, "host check"), scope, send)
        else:
            await reply.write(reply.of_error(error, "host check"), scope, receive, send)

    def _fault(self, scope: Scope) -> GoferError | None:
        host = origin = None
        site = mode = b""
        for name, value in scope["headers"]:
            if name == b"host":
                if host is not None:
                    return BadRequest("The request has two Host headers.", "Send one.")
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"sec-fetch-mode":
                mode = value
        if host is None:
            return BadRequest("The request has no Host header.", "Send the name under which the server is called.")
        if not self._is_own(host):
            own = "" if self._own == "localhost" else f"{self._own} (setting server.host), "
            return Refused(
                f"The server is not called {shown(host.decode('latin-1'))}.",
                f"Call it {own}localhost, or by its loopback address.",
            )
        if origin is not None and not _is_same(origin, host):
            return _foreign(shown(origin.decode("latin-1")))
        # What a page loads as an image or a script has no Origin. A link that was followed is another matter.
        if site in _FOREIGN and mode != b"navigate":
            return _foreign("another site")
        return None

    def _is_own(self, host: bytes) -> bool:
        known = self._known.get(host)
        if known is None:
            known = self._judge(split_host(host.decode("latin-1"))[0].lower())
            if len(self._known) < _REMEMBERED:
                self._known[host] = known
        return known

    def _judge(self, name: str) -> bool:
        if name in (self._own, "localhost"):
            return bool(name)
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def split_host(address: str) -> tuple[str, str]:
    """Name and port (empty if there is none) of `name:port`, `[::1]:port` or a bare name."""
    if address.startswith("["):
        name, _, rest = address[1:].partition("]")
        return name, rest.removeprefix(":")
    name, _, port = address.partition(":")
    return name, port


def _foreign(site: str) -> Refused:
    hint = "Requests must come from the server's own pages, or from no web page at all."
    return Refused(f"A web page of {site} may not do this.", hint)


def _is_same(origin: bytes, host: bytes) -> bool:
    scheme, separator, rest = origin.decode("latin-1").lower().partition("://")
    if not separator or scheme not in _PORTS:
        return False
    default = _PORTS[scheme]
    name, port = split_host(rest)
    own_name, own_port = split_host(host.decode("latin-1").lower())
    return (name, port or default) == (own_name, own_port or default)
