"""Tokens, against a server that lets nobody in without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.api.server import ServerThread

PIPELINES = "/api/v1/namespaces/default/pipelines"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), production=True)
    found.start()
    yield found
    found.stop()


def test_nobody_is_served_before_there_is_a_token(server: ServerThread) -> None:
    answer = server.ask("GET", PIPELINES)
    assert (answer.status, answer.problem["detail"]) == (
        401,
        "No token was made yet for this server, so it serves nobody.",
    )
    assert "gofer service token bootstrap" in answer.problem["hint"]
    server.bootstrap()
    assert "the request brings none" in server.ask("GET", PIPELINES).problem["detail"]
    assert server.ask("GET", PIPELINES, token=server.bootstrap()).status == 200
    assert server.api.get("namespaces/default/pipelines")["items"] == []


def test_a_client_has_its_roles_in_its_namespaces(server: ServerThread) -> None:
    viewer = server.token(["viewer"], ["default"])
    assert server.ask("GET", PIPELINES, token=viewer).status == 200
    assert server.send_json("POST", PIPELINES, {"id": "p"}, token=viewer).status == 403
    assert server.ask("GET", PIPELINES.replace("default", "other"), token=viewer).status == 403
