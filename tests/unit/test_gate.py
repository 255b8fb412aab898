"""What answers from the first moment on, while the server is still starting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from gofer.server import correlation
from gofer.server.api.host_names import HostNames
from gofer.server.api.peer import Peers, peer_of
from gofer.server.api.tally import Tally
from gofer.server.gate import Gate


def gate() -> Gate:
    return Gate(Peers(["127.0.0.1"]), HostNames(["gofer.example.org"], beyond_loopback=False), lambda: 1000, Tally())


async def ask(
    asked: Gate, path: str = "/healthz", kind: str = "http", **headers: str
) -> tuple[int, dict[str, str], Any]:
    sent: list[Message] = []
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": kind, "method": "GET", "path": path, "raw_path": path.encode(), "scheme": "http", "query_string": b"",
        "headers": encoded, "client": ("127.0.0.1", 4711), "server": ("127.0.0.1", 8080),
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    await asked(scope, receive, send)
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], head, json.loads(sent[1]["body"])


async def test_while_it_starts_it_says_so_and_nothing_else() -> None:
    assert (await ask(gate(), host="localhost"))[0::2] == (200, {"status": "starting", "problems": []})
    for kind in ("http", "websocket"):
        status, _, problem = await ask(gate(), "/api/v1/events/stream", kind, host="localhost")
        assert (status, problem["detail"]) == (503, "The server is starting.")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost", "origin": "http://evil.example"},
        {"host": "localhost", "origin": "null"},
        {"host": "localhost", "sec_fetch_site": "cross-site"},
    ],
)
async def test_web_pages_of_others_are_kept_out_from_the_start(kind: str, headers: dict[str, str]) -> None:
    assert (await ask(gate(), kind=kind, **headers))[0] == 403


async def test_what_is_answered_meanwhile_has_every_header() -> None:
    _, head, _ = await ask(gate(), host="gofer.example.org", x_forwarded_proto="https")
    assert head["strict-transport-security"] == "max-age=1"
    assert head["x-frame-options"] == "DENY"


async def test_who_answers_finds_out_where_the_request_comes_from() -> None:
    seen: list[tuple[str, str, bool]] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append((peer_of(scope).address, correlation.address(), peer_of(scope).secure))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    asked = gate()
    asked.open(app, lambda _scope, _answer: None)
    await ask(asked, host="localhost", x_forwarded_for="192.0.2.7", x_forwarded_proto="https")
    await ask(asked, host="localhost")
    assert seen == [("192.0.2.7", "192.0.2.7", True), ("127.0.0.1", "127.0.0.1", False)]
