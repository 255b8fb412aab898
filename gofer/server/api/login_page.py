"""The page where a browser signs in, and sees who it is. All that it does, it does by `/api/v1/session`."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from html import escape
from pathlib import Path
from typing import Annotated, Any

import msgspec

from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, NoPath, NoQuery, Text
from gofer.server.api.next_page import LONGEST, safe_next
from gofer.server.auth.caller import Caller
from gofer.ui import login

TAG = "session"

FOLDER = Path(login.__file__).parent
"""Its files; they come with the package and with the binary."""

_HTML = "text/html; charset=utf-8"
_CSS = "text/css; charset=utf-8"
_SCRIPT = "text/javascript; charset=utf-8"
_PICTURE = "image/svg+xml"
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


_PLACE = re.compile(r"\{\{(\w+)\}\}")


class LoginQuery(Input, frozen=True, kw_only=True):
    """`next`: where to go on once one is signed in, a path of this server; anything else leads to `/`."""

    next: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None


def endpoints() -> list[Endpoint]:
    """The routes."""
    page = LoginPage()
    return [
        _endpoint("", page.page, _HTML, "The page where a browser signs in"),
        _endpoint(".css", page.style, _CSS, "The style of the login page"),
        _endpoint(".js", page.script, _SCRIPT, "The script of the login page"),
        _endpoint(".svg", page.picture, _PICTURE, "The picture of the login page"),
    ]


class LoginPage:
    """Reads its files when they are first asked for, and keeps them."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}

    async def page(self, call: Call[NoPath, LoginQuery, NoBody]) -> Text:
        """The page as it is for who asks."""
        services = call.services
        state = _state(call.caller)
        given = {
            "state": state,
            "next": "" if call.query.next is None else safe_next(call.query.next),
            "title": "Your session" if state == "session" else "Sign in",
            # Who is not known is not told what the server does.
            "draining": "" if services.ingress.closed and state in ("session", "local") else "hidden",
        }
        page = _PLACE.sub(lambda place: escape(given[place[1]]), self._read("login.html"))
        return Text(page.encode(), _HTML, _POLICY)

    async def style(self, call: Call[NoPath, NoQuery, NoBody]) -> Text:
        """login.css"""
        return self._file("login.css", _CSS)

    async def script(self, call: Call[NoPath, NoQuery, NoBody]) -> Text:
        """login.js"""
        return self._file("login.js", _SCRIPT)

    async def picture(self, call: Call[NoPath, NoQuery, NoBody]) -> Text:
        """login.svg"""
        return self._file("login.svg", _PICTURE)

    def _file(self, name: str, kind: str) -> Text:
        return Text(self._read(name).encode(), kind, _POLICY)

    def _read(self, name: str) -> str:
        if name not in self._files:
            self._files[name] = (FOLDER / name).read_text(encoding="utf-8")
        return self._files[name]


def _state(caller: Caller) -> str:
    if caller.session:
        return "session"
    return caller.kind if caller.kind in ("local", "unclaimed") else "anonymous"


_Handler = Callable[[Call[Any, Any, Any]], Coroutine[Any, Any, Text]]


def _endpoint(suffix: str, handler: _Handler, kind: str, about: str) -> Endpoint:
    return Endpoint(
        method="GET",
        path=f"/login{suffix}",
        handler=handler,
        summary=about,
        tag=TAG,
        permission="login:write",
        content=(kind,),
    )
