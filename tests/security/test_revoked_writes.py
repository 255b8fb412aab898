"""A request whose body comes after the end of its token changes nothing: what counts is what may be done by then."""

from __future__ import annotations

import json
import socket

import pytest

from tests.integration.api.server import Answer
from tests.security.test_revoked_streams import ENDS, put_role
from tests.security.world import HERE, World
from tests.support.until import until

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("end", ENDS)
def test_tokens(world: World, end: str) -> None:
    put_role(world, "*", "*")
    name, text = world.make_token(["streams"])
    act, why = ENDS[end]
    with begun(world, "/api/v1/namespaces", text, b'{"id": "late"}') as connection:
        act(world, name)
        answer = finished(world, connection, b'{"id": "late"}')
    assert (answer.status, why in answer.json["detail"]) == (401, True)
    assert world.call("GET", "/api/v1/namespaces/late").status == 404


def test_a_token_that_expires(world: World) -> None:
    _, text = world.make_token(expires_in=1_000)
    ends = world.now() + 1_000
    with begun(world, "/api/v1/namespaces", text, b'{"id": "late"}') as connection:
        until(lambda: world.now() > ends, "it has expired")
        assert finished(world, connection, b'{"id": "late"}').status == 401


def test_a_management_token_leaves_no_other_behind(world: World) -> None:
    name, text = world.make_token()
    body = json.dumps({"kind": "management", "description": "left behind"}).encode()
    with begun(world, "/api/v1/tokens", text, body) as connection:
        world.delete(name)
        answer = finished(world, connection, body)
    assert answer.status == 401
    tokens = world.call("GET", "/api/v1/tokens?limit=1000").json["items"]
    assert "left behind" not in [token.get("description") for token in tokens]


def test_a_runs_token_starts_no_other_run(world: World) -> None:
    run = world.start_run()
    base = f"/api/v1/namespaces/{HERE}/pipelines/main/runs"
    with begun(world, base, world.token_of_run(HERE, run), b"{}") as connection:
        world.end_run(run)
        answer = finished(world, connection, b"{}")
    assert (answer.status, answer.json["detail"]) == (401, "This token is dead: its run has ended.")
    assert world.call("GET", f"{base}/{run + 1}").status == 404


def begun(world: World, path: str, token: str, body: bytes, method: str = "POST") -> socket.socket:
    """A connection on which the head of a request was sent, and the server has let that in: it asks for the body."""
    connection = world.server.connect()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode())
    read = b""
    while len(read) < len(CONTINUE) and (byte := connection.recv(1)):
        read += byte
    assert read == CONTINUE
    return connection


def finished(world: World, connection: socket.socket, body: bytes) -> Answer:
    connection.sendall(body)
    return world.server.read_answer(connection)
