"""Paths: what is not a path of the API is refused cleanly, whatever a client makes of it."""

from __future__ import annotations

import pytest

from tests.integration.api.server import ServerThread

NAMESPACES = "/api/v1/namespaces"


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/v1",
        "/api/v2/namespaces",
        "/API/v1/namespaces",
        "/api/v1%2Fnamespaces",
        "/api/v1/%6eamespaces",
        "/api/v1/namespaces/default/unknown",
        "/api/v1/namespaces.json",
        "/healthz/x",
    ],
)
def test_unknown_path_is_not_found(server: ServerThread, path: str) -> None:
    answer = server.ask("GET", path)
    assert answer.status == 404
    assert "/api/docs" in answer.problem["hint"]


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/", "//api/v1/namespaces", "/api//v1/namespaces", "/api/v1/namespaces//"]
)
def test_empty_parts_are_not_redirected_but_explained(server: ServerThread, path: str) -> None:
    answer = server.ask("GET", path)
    assert answer.status == 404
    assert '"/api/v1/namespaces"' in answer.problem["hint"]
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "segment",
    [
        "..",
        ".",
        "%2e%2e",
        "a%2Fb",
        "a%252Fb",
        "a%00",
        "a%0a",
        "default%0a",
        "default;x=1",
        "default;",
        "-a",
        "a" * 65,
        "a%20b",
        "%C3%A4",
        "*",
        "a'--",
        "%3Cscript%3E",
    ],
)
def test_malformed_id_is_refused_with_the_rule(server: ServerThread, segment: str) -> None:
    answer = server.ask("GET", f"{NAMESPACES}/{segment}/pipelines")
    assert answer.status == 422
    assert "letters" in answer.problem["hint"]
    assert answer.problem["problems"][0]["place"] == "path.namespace"


def test_path_that_is_not_utf8_is_refused(server: ServerThread) -> None:
    assert server.ask("GET", f"{NAMESPACES}/%ff").status == 400


def test_escaped_letters_name_the_same_thing(server: ServerThread) -> None:
    assert server.ask("GET", f"{NAMESPACES}/d%65fault").json["id"] == "default"


@pytest.mark.parametrize(
    "number", ["0", "-1", "01", "1.0", "1e3", "9007199254740992", "9" * 400, "latest", "+1", "%D9%A1", "1%20", "0x1"]
)
def test_run_number_must_be_a_whole_number(server: ServerThread, pipeline: str, number: str) -> None:
    answer = server.ask("GET", f"{pipeline}/runs/{number}")
    assert answer.status == 422
    assert "from 1 to 9007199254740991" in answer.problem["detail"]


def test_several_faults_of_a_path_are_told_at_once(server: ServerThread) -> None:
    answer = server.ask("GET", f"{NAMESPACES}/a%20b/pipelines/c%20d/runs/0")
    places = [problem["place"] for problem in answer.problem["problems"]]
    assert places == ["path.namespace", "path.pipeline", "path.run"]


def test_unknown_ids_are_not_found_with_a_hint(server: ServerThread, pipeline: str) -> None:
    for path in (
        f"{NAMESPACES}/nobody",
        f"{NAMESPACES}/nobody/pipelines",
        f"{NAMESPACES}/nobody/runs",
        f"{NAMESPACES}/default/pipelines/nothing",
        f"{NAMESPACES}/default/pipelines/nothing/runs",
        f"{pipeline}/runs/9007199254740991",
        f"{pipeline}/versions/9007199254740991",
        f"{pipeline}/runs/1/tasks/none/log",
    ):
        answer = server.ask("GET", path)
        assert answer.status == 404, path
        assert answer.problem["title"] == "Not found"


def test_huge_path_is_refused(server: ServerThread) -> None:
    answer = server.ask("GET", f"{NAMESPACES}/{'a' * 20_000}")
    assert answer.status == 422
    assert len(answer.body) < 2_000


@pytest.mark.parametrize("request_line", [b"GET http://localhost/healthz HTTP/1.1", b"GET /healthz#fragment HTTP/1.1"])
def test_other_forms_of_a_target(server: ServerThread, request_line: bytes) -> None:
    answer = server.send_raw(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.status in (200, 400, 404)
