"""Methods: HEAD and OPTIONS work, others are refused with what is allowed."""

from __future__ import annotations

import pytest

from tests.integration.api.server import ServerThread


def test_wrong_method_is_refused_with_allow(server: ServerThread) -> None:
    answer = server.ask("DELETE", "/api/v1/namespaces")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert "GET" in answer.problem["hint"]


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "CONNECT"])
def test_unknown_method_is_refused(server: ServerThread, method: str) -> None:
    assert server.ask(method, "/api/v1/namespaces").status in (400, 405)


def test_get_on_a_path_that_only_takes_posts(server: ServerThread) -> None:
    answer = server.ask("GET", "/api/v1/manifests/validate")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")


def test_head_has_the_head_of_a_get(server: ServerThread) -> None:
    got, head = server.ask("GET", "/api/v1/namespaces"), server.ask("HEAD", "/api/v1/namespaces")
    assert (head.status, head.body) == (200, b"")
    assert head.headers.pop("x-request-id") != got.headers.pop("x-request-id")
    assert head.headers == got.headers


def test_head_of_what_does_not_exist(server: ServerThread) -> None:
    head = server.ask("HEAD", "/api/v1/namespaces/nobody")
    assert (head.status, head.body) == (404, b"")


def test_connection_goes_on_after_a_head(server: ServerThread) -> None:
    with server.connect() as connection:
        connection.sendall(b"HEAD /api/docs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert server.read_answer(connection, "HEAD").status == 200
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert server.read_answer(connection).json == {"status": "ok", "problems": []}


def test_options_says_what_is_allowed(server: ServerThread) -> None:
    answer = server.ask("OPTIONS", "/api/v1/namespaces/default")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


def test_no_answer_invites_other_sites(server: ServerThread) -> None:
    for method in ("GET", "OPTIONS"):
        answer = server.ask(method, "/api/v1/namespaces", headers={"Origin": "http://evil.example"})
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_get_on_a_websocket_asks_for_an_upgrade(server: ServerThread) -> None:
    answer = server.ask("GET", "/api/v1/events/stream")
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "websocket" in answer.problem["hint"]


def test_every_answer_is_locked_down(server: ServerThread, pipeline: str) -> None:
    for path in ("/api/v1/namespaces", "/api/docs", "/nothing", f"{pipeline}/graph?format=svg", "/metrics"):
        headers = server.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert "unsafe" not in headers["content-security-policy"]
