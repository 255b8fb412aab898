"""The page where a browser signs in, and sees who it is. All that it does, it does by `/api/v1/session`."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Annotated

import msgspec

from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, NoPath, NoQuery, Text
from gofer.server.api.next_page import LONGEST, safe_next
from gofer.server.auth.caller import Caller

TAG = "session"

FOLDER = Path(__file__).parents[2] / "ui" / "login"
"""Its files; they come with the package and with the binary."""

_HTML = "text/html; charset=utf-8"
_FILES = {
    "login.css": ("text/css; charset=utf-8", "The style of the login page"),
    "login.js": ("text/javascript; charset=utf-8", "The script of the login page"),
    "login.svg": ("image/svg+xml", "The picture of the login page"),
}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


_PLACE = re.compile(r"\{\{(\w+)\}\}")


class LoginQuery(Input, frozen=True, kw_only=True):
    """`next`: where to go on once one is signed in, a path of this server; anything else leads to `/`."""

    next: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None


class LoginPage:
    """Reads its files when they are first asked for, and keeps them."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        page = Endpoint(
            method="GET",
            path="/login",
            handler=self.page,
            summary="The page where a browser signs in",
            tag=TAG,
            permission="login:write",
            content=(_HTML,),
        )
        return [page, *(self._of_file(name, kind, summary) for name, (kind, summary) in _FILES.items())]

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

    def _of_file(self, name: str, kind: str, summary: str) -> Endpoint:
        async def serve(call: Call[NoPath, NoQuery, NoBody]) -> Text:
            return Text(self._read(name).encode(), kind, _POLICY)

        return Endpoint(
            method="GET",
            path=f"/{name}",
            handler=serve,
            summary=summary,
            tag=TAG,
            permission="login:write",
            content=(kind,),
        )

    def _read(self, name: str) -> str:
        if name not in self._files:
            self._files[name] = (FOLDER / name).read_text(encoding="utf-8")
        return self._files[name]


def _state(caller: Caller) -> str:
    if caller.session:
        return "session"
    return caller.kind if caller.kind in ("local", "unclaimed") else "anonymous"
