"""What a browser would send to a server that it is signed in to, and what it would not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.integration.api.server import Answer, ServerThread

SESSION = "/api/v1/session"
CSRF = "X-Gofer-CSRF"


class Visitor:
    """Keeps the cookie that it is given, as a browser does, and sends it with everything from then on."""

    def __init__(self, server: ServerThread) -> None:
        self.server = server
        self.cookie = ""
        self.csrf = ""

    @property
    def origin(self) -> str:
        return f"http://{self.server.netloc}"

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        """With these headers beside the cookie; `more` are headers too, with `_` for `-`."""
        given = {**(headers or {}), **{name.replace("_", "-"): value for name, value in more.items()}}
        if self.cookie:
            given.setdefault("Cookie", self.cookie)
        data = None
        if body is not None:
            given.setdefault("Content-Type", "application/json")
            data = json.dumps(body).encode()
        answer = self.server.ask(method, path, data, given)
        if "set-cookie" in answer.headers:
            ((name, morsel),) = SimpleCookie(answer.headers["set-cookie"]).items()
            self.cookie = f"{name}={morsel.value}" if morsel.value else ""
        return answer

    def page_asks(self, method: str, path: str, body: object = None) -> Answer:
        """As the server's own page does."""
        return self.ask(method, path, body, {CSRF: self.csrf, "Origin": self.origin})

    def sign_in(self, token: str) -> Any:
        answer = self.ask("POST", SESSION, {"token": token}, Origin=self.origin)
        assert answer.status == 201, answer.body
        self.csrf = answer.json["csrf"]
        return answer.json

    def is_in(self) -> bool:
        return self.ask("GET", SESSION).status == 200

    @contextmanager
    def events(self, **headers: str) -> Iterator[ClientConnection]:
        """An open stream."""
        given = {"Cookie": self.cookie, "Origin": self.origin, **headers}
        address = f"{self.server.websocket_address}/api/v1/events/stream"
        with connect(address, additional_headers={name: value for name, value in given.items() if value}) as socket:
            yield socket
