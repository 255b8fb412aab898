"""Web pages of other sites are kept out, though the server listens on a loopback address only."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.integration.api.server import Answer, ServerThread


def ask(server: ServerThread, method: str, *headers: str, path: str = "/api/v1/namespaces") -> Answer:
    lines = [f"{method} {path} HTTP/1.1", *headers, "Content-Type: application/json", "Content-Length: 0", "", ""]
    return server.send_raw("\r\n".join(lines).encode(), method)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:9999", "127.1.2.3", "[::1]", "[::1]:8080"]
)
def test_own_names(server: ServerThread, host: str) -> None:
    assert ask(server, "GET", f"Host: {host}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "user@localhost",
        "192.168.1.5",
        "10.0.0.1:8080",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "",
        "localhost,evil.example",
        "evil.example/localhost",
        "localhost\tx",
        "2130706433",
    ],
)
def test_foreign_names_are_refused(server: ServerThread, host: str) -> None:
    answer = ask(server, "GET", f"Host: {host}")
    assert answer.status in (400, 403)
    assert answer.problem["hint"]
    assert answer.problem["hint"].count("localhost") <= 1


def test_missing_and_doubled_host(server: ServerThread) -> None:
    assert ask(server, "GET").status == 400
    assert ask(server, "GET", "Host: localhost", "Host: evil.example").status == 400


def test_host_is_checked_on_every_route(server: ServerThread) -> None:
    for path in ("/healthz", "/metrics", "/api/docs", "/nothing", "/api/v1/events/stream"):
        assert ask(server, "GET", "Host: evil.example", path=path).status == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://localhost", "file://", "localhost", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
def test_foreign_pages_are_refused(server: ServerThread, origin: str, method: str) -> None:
    answer = ask(server, method, "Host: localhost:8080", f"Origin: {origin}")
    assert answer.status == 403
    assert "page" in answer.problem["detail"]


def test_changes_from_own_pages(server: ServerThread) -> None:
    for host, origin in (("localhost:8080", "http://localhost:8080"), ("localhost", "http://localhost:80")):
        path = "/api/v1/namespaces/default/pipelines/none/runs/cancel"
        assert ask(server, "POST", f"Host: {host}", f"Origin: {origin}", path=path).status == 404


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_foreign_pages_load_is_refused_but_links_are_followed(server: ServerThread, site: str) -> None:
    """An image of /api/v1/system/checks would keep the server busy; browsers send no Origin with it."""
    loaded = ask(server, "GET", "Host: localhost", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: no-cors")
    followed = ask(server, "GET", "Host: localhost", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate")
    assert (loaded.status, followed.status) == (403, 200)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_own_pages_may_load_anything(server: ServerThread, site: str) -> None:
    assert ask(server, "GET", "Host: localhost", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: cors").status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost"])
def test_websocket_from_a_foreign_page_is_refused(server: ServerThread, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(_events(server), additional_headers={"Origin": origin}):
        raise AssertionError("the websocket was opened")
    assert refused.value.response.status_code == 403


def test_websocket_without_origin_or_from_own_pages(server: ServerThread) -> None:
    for headers in ({}, {"Origin": f"http://{server.netloc}"}):
        with connect(_events(server), additional_headers=headers) as websocket:
            websocket.ping().wait()


def test_websocket_with_a_foreign_host_is_refused(server: ServerThread) -> None:
    request = (
        b"GET /api/v1/events/stream HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert server.send_raw(request).status == 403


def _events(server: ServerThread) -> str:
    return f"{server.websocket_address}/api/v1/events/stream"
