"""What one token may have under way at once; and frames that are too large."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gofer.server.auth.tokens import token_of
from tests.integration.api.server import ServerThread
from tests.integration.api.task_caller import TaskCaller
from tests.security.attacker import Door, goes_on
from tests.support.until import until

EVENTS = "/api/v1/events/stream"
PIPELINE = "/api/v1/namespaces/default/pipelines/mine"
FRAME = 4096


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskCaller]:
    home = tmp_path_factory.mktemp("server")
    server = ServerThread(home, max_connections_per_token=2, max_subscriptions_per_token=3, max_frame_bytes=FRAME)
    server.start()
    yield TaskCaller(server, home)
    server.stop()


@pytest.fixture
def door(task: TaskCaller) -> Door:
    return Door(task.server, task.server.connect)


def opened(task: TaskCaller, token: str | None) -> ClientConnection:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return connect(
        f"{task.server.websocket_address}{EVENTS}?namespace=default", additional_headers=headers, compression=None
    )


def test_websockets_of_one_token(task: TaskCaller, door: Door) -> None:
    server, before = task.server, door.counted("subscriptions_per_token")
    with ExitStack() as stack:
        for _turn in range(3):
            stack.enter_context(opened(task, task.token))
        with pytest.raises(InvalidStatus) as refused:
            opened(task, task.token)
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
        assert "max_subscriptions_per_token" in json.loads(response.body or b"")["hint"]
        assert door.counted("subscriptions_per_token") == before + 1
        # Requests are counted by themselves, and others have limits of their own.
        assert task.ask("GET", PIPELINE, task.token).status == 200
        other = token_of(bytes(32), "of another run")
        server.api.start("other")
        task.put(other, 2)
        stack.enter_context(opened(task, other))
        for _turn in range(5):
            stack.enter_context(opened(task, None))
    until(lambda: not any(server.services.tally.websockets.values()), "they are closed")
    with opened(task, task.token):
        goes_on(server)


def test_requests_of_one_token(task: TaskCaller, door: Door) -> None:
    server, before = task.server, door.counted("connections_per_token")
    upload = f"PUT {PIPELINE}/objects/%d HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {task.token}\r\n"
    with ExitStack() as stack:
        held = [stack.enter_context(server.connect()) for _turn in range(2)]
        for number, connection in enumerate(held):
            connection.sendall((upload % number).encode() + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            # It has come as far as its handler.
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        told = task.ask("GET", PIPELINE, task.token)
        assert (told.status, told.headers["retry-after"]) == (429, "5")
        assert "max_connections_per_token" in told.problem["hint"]
        assert door.counted("connections_per_token") == before + 1
        assert server.ask("GET", PIPELINE).status == 200
        held[0].sendall(b"ab")
        assert server.read_answer(held[0], "PUT").status == 201
        assert task.ask("GET", PIPELINE, task.token).status == 200
    until(lambda: task.ask("GET", PIPELINE, task.token).status == 200, "what was given up is not counted")
    goes_on(server)


def test_refusals_outside_of_the_api_count_as_requests(task: TaskCaller) -> None:
    def counted(status: int) -> float:
        requests = task.server.services.tally.requests
        return sum(count for (_method, route, code), count in requests.items() if (route, code) == ("", status))

    before = counted(401), counted(403)
    assert task.server.ask("GET", "/healthz", headers={"Authorization": "Bearer nonsense"}).status == 401
    assert task.server.ask("GET", "/healthz", headers={"Origin": "http://elsewhere"}).status == 403
    assert task.server.ask("GET", "/healthz", headers={"Host": "elsewhere"}).status == 403
    assert (counted(401), counted(403)) == (before[0] + 1, before[1] + 2)
    goes_on(task.server)


@pytest.mark.parametrize("pieces", [1, 5])
def test_a_message_that_is_too_large(task: TaskCaller, door: Door, pieces: int) -> None:
    before = door.counted("frame_too_large")
    with opened(task, None) as websocket:
        size = FRAME * 2 // pieces
        with suppress(ConnectionClosed):  # already, before the last piece
            websocket.send((bytes(size) for _turn in range(pieces)) if pieces > 1 else bytes(size))
        assert closed(websocket) == 1009
    assert door.counted("frame_too_large") == before + 1
    goes_on(task.server)


def test_the_largest_message_is_read(task: TaskCaller, door: Door) -> None:
    before = door.counted("frame_too_large")
    with opened(task, None) as websocket:
        websocket.send(bytes(FRAME))
        assert closed(websocket) == 1003  # as this one takes none at all
    assert door.counted("frame_too_large") == before


def test_a_message_in_very_many_pieces(task: TaskCaller) -> None:
    """Each of them is empty: together they are a small message, and take little room while they come."""
    with task.server.connect() as connection:
        connection.sendall(
            f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 101 ")
        piece = b"\x00\x80" + bytes(4)
        connection.sendall(b"\x02\x80" + bytes(4) + piece * 20_000 + b"\x80\x80" + bytes(4))
        received = connection.recv(65536)
    assert received[0] == 0x88
    assert int.from_bytes(received[2:4], "big") == 1003
    goes_on(task.server)


def closed(websocket: ClientConnection) -> Any:
    with pytest.raises(ConnectionClosed) as found:
        websocket.recv()
    assert found.value.rcvd is not None
    return found.value.rcvd.code
