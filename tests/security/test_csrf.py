"""What a page of somebody else makes a browser send changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.api.server import ServerThread
from tests.security.browser import CSRF, SESSION, Visitor
from tests.security.routes import Route
from tests.security.world import World

NAMESPACES = "/api/v1/namespaces"
SAFE = ("GET", "HEAD", "OPTIONS", "WS")

# What HTML forms can send: the type text/plain lets a field's name and value together be JSON.
FORMS = [
    ("application/x-www-form-urlencoded", b"id=forged"),
    ("text/plain", b'{"id": "forged", "description": "="}\r\n'),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="id"\r\n\r\nforged\r\n--x--\r\n'),
    ("text/plain; charset=utf-8; application/json", b'{"id": "forged"}'),
    ("", b'{"id": "forged"}'),
]


@pytest.fixture(scope="module")
def visitor(world: World) -> Visitor:
    visitor = Visitor(world.server)
    visitor.sign_in(world.root)
    return visitor


def writes(world: World) -> list[Route]:
    return [route for route in world.routes if route.method not in SAFE and route.name != f"POST {SESSION}"]


@pytest.mark.parametrize("given", [None, "", "0" * 64, "\xff", "é"])
def test_every_write_with_a_cookie_needs_the_header(world: World, visitor: Visitor, given: str | None) -> None:
    before = world.digest()
    wrong = []
    for route in writes(world):
        request = route.request(world.names)
        headers = {**request.headers, "Cookie": visitor.cookie, "Origin": visitor.origin}
        if given is not None:
            headers[CSRF] = given
        answer = world.server.ask(request.method, request.path, request.body, headers)
        if answer.status != 403 or CSRF not in answer.body.decode():
            wrong.append((route.name, answer.status, answer.body))
    assert wrong == []
    assert world.digest() == before
    assert visitor.is_in(), "who was signed in by force was signed out"


def test_the_header_of_another_session_does_not_do(world: World, visitor: Visitor) -> None:
    other = Visitor(world.server)
    other.sign_in(world.root)
    assert visitor.csrf != other.csrf
    headers = {CSRF: other.csrf, "Origin": visitor.origin}
    assert visitor.ask("POST", NAMESPACES, {"id": "forged"}, headers).status == 403
    assert visitor.ask("POST", NAMESPACES, {"id": "forged"}, {CSRF: f"{visitor.csrf}{visitor.csrf}"}).status == 403


def test_reading_needs_no_header(visitor: Visitor) -> None:
    for method in ("GET", "HEAD"):
        assert visitor.ask(method, NAMESPACES).status == 200


def test_a_write_of_the_own_page(visitor: Visitor) -> None:
    assert visitor.page_asks("POST", NAMESPACES, {"id": "mine"}).status == 201
    assert visitor.page_asks("DELETE", f"{NAMESPACES}/mine").status == 204


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "", "http://127.0.0.1"])
def test_the_header_does_not_help_a_foreign_page(visitor: Visitor, origin: str) -> None:
    headers = {CSRF: visitor.csrf, "Origin": origin}
    assert visitor.ask("POST", NAMESPACES, {"id": "forged"}, headers).status == 403
    assert visitor.ask("DELETE", SESSION, None, headers).status == 403
    assert visitor.is_in()


def test_a_token_in_the_header_needs_no_other(world: World) -> None:
    """No page can make a browser send that."""
    assert world.call("POST", NAMESPACES, {"id": "by-token"}).status == 201


def test_reads_change_nothing(world: World, visitor: Visitor) -> None:
    """A link or an image of another site is a GET, with whatever in its query."""
    before = world.digest()
    for route in world.routes:
        if not route.is_websocket:
            visitor.ask(
                "GET",
                route.path(world.names) + "?everywhere=true&method=DELETE",
                None,
                {"X-HTTP-Method-Override": "DELETE"},
            )
    assert world.digest() == before
    assert visitor.is_in()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_nobody_is_signed_in_by_a_foreign_page(world: World, origin: str) -> None:
    stranger = Visitor(world.server)
    assert stranger.ask("POST", SESSION, {"token": world.root}, Origin=origin).status == 403
    assert stranger.ask("POST", SESSION, {"token": world.root}, Sec_Fetch_Site="cross-site").status == 403
    assert stranger.cookie == ""


@pytest.mark.parametrize(("kind", "_body"), FORMS)
def test_nobody_is_signed_in_by_a_form(world: World, kind: str, _body: bytes) -> None:
    body = json.dumps({"token": world.root}).encode()
    answer = world.server.ask("POST", SESSION, body, {"Content-Type": kind} if kind else {})
    assert answer.status == 415
    assert "set-cookie" not in answer.headers


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """Nobody needs a token here: the Origin alone keeps foreign pages out, such as those of other programs on the same
    machine, which are of the same site for a browser."""
    server = ServerThread(tmp_path_factory.mktemp("dev"))
    server.start()
    server.api.register({"id": "p", "tasks": [{"id": "t", "image": "fake", "command": ["hang"]}]})
    yield server
    server.stop()


@pytest.mark.parametrize(("kind", "body"), FORMS)
def test_in_development_mode_a_form_of_another_port(dev: ServerThread, kind: str, body: bytes) -> None:
    headers = {"Host": dev.netloc, "Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}
    headers |= {"Sec-Fetch-Mode": "navigate", "Content-Type": kind}
    assert dev.ask("POST", NAMESPACES, body, headers).status == 403
    del headers["Origin"]
    assert dev.ask("POST", NAMESPACES, body, headers).status in (403, 415)
    assert dev.ask("GET", f"{NAMESPACES}/forged").status == 404


@pytest.mark.parametrize(
    "path",
    ["/api/v1/namespaces/default/pipelines/p/runs", "/api/v1/system/reload", "/api/v1/system/secrets/rotate-key"],
)
@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors"])
def test_in_development_mode_a_form_without_content(dev: ServerThread, path: str, mode: str) -> None:
    """A write that may leave out its body has no Content-Type that could give the form away."""
    for headers in ({"Origin": "http://localhost:3000"}, {"Origin": "null"}, {}):
        given = {**headers, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": mode}
        given["Content-Type"] = "application/x-www-form-urlencoded"
        assert dev.ask("POST", path, b"", given).status == 403
    assert dev.api.get("namespaces/default/pipelines/p/runs")["items"] == []
