"""Clients that ask for much and read nothing of it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api.server import ServerThread
from tests.security.attacker import Door, connect_small, connect_tls, connect_unix, counts_one_more, goes_on, rest
from tests.support.certificates import Authority
from tests.support.until import until

RUN = "/api/v1/namespaces/default/pipelines/loud/runs/1"
LINE = "x" * 1_000
LINES = 30_000
LOUD = {
    "id": "loud",
    "tasks": [
        {"id": "t", "image": "i", "command": ["lines", str(LINES), "stdout", LINE + "%d"], "inject_api_token": True}
    ],
}


def loud(home: Path) -> Iterator[ServerThread]:
    """A server with a log that no buffer of a kernel holds."""
    found = ServerThread(home, request_timeout=30_000, stall_timeout=400)
    found.start()
    found.api.register(LOUD)
    assert found.api.ended("loud", found.api.start("loud"))["status"] == "successful"
    yield found
    found.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    yield from loud(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    made = Authority(tmp_path_factory.mktemp("authority")).sign("server")
    found = ServerThread(
        tmp_path_factory.mktemp("s"), tls_cert_path=made.cert, tls_key_path=made.key, stall_timeout=400
    )
    found.start()
    yield found
    found.stop()


@pytest.fixture
def door(server: ServerThread) -> Door:
    return Door(server, lambda: connect_small(server))


def websocket(connection: socket.socket, path: str) -> None:
    """Opens one, by hand: a library would read what comes."""
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")


def test_a_reader_of_a_raw_log(door: Door) -> None:
    before = door.counted("slow_reader")
    with door.connect() as connection:
        connection.sendall(f"GET {RUN}/tasks/t/log/raw HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        counts_one_more(door, "slow_reader", before)
        assert len(rest(connection)) < LINES * len(LINE)
    goes_on(door.server)


def test_a_reader_of_a_log_websocket(door: Door) -> None:
    before = door.counted("slow_reader")
    with door.connect() as connection:
        websocket(connection, f"{RUN}/tasks/t/log/stream")
        counts_one_more(door, "slow_reader", before)
        assert len(rest(connection)) < LINES * len(LINE)
    until(lambda: not any(door.server.services.tally.websockets.values()), "its websocket is forgotten")
    goes_on(door.server)


def test_a_reader_that_asks_again_and_again(door: Door) -> None:
    """Many requests one behind the other, and no answer is ever read: they are not all fetched."""
    before = door.counted("slow_reader")
    with door.connect() as connection:
        connection.sendall(f"GET {RUN}/tasks/t/log/raw HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 50)
        counts_one_more(door, "slow_reader", before)
    goes_on(door.server)


def test_a_reader_that_pings_and_does_not_read(door: Door) -> None:
    """Each ping would be answered: after a while they are not even read."""
    before = door.counted("slow_reader")
    pings = (b"\x89\xfd" + bytes(4) + bytes(125)) * 1_000
    sent = 0
    with door.connect() as connection:
        websocket(connection, f"{RUN}/tasks/t/log/stream")
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < 200_000_000:
                connection.sendall(pings)
                sent += len(pings)
        counts_one_more(door, "slow_reader", before)
    # What its kernel and ours hold.
    assert sent < 50_000_000
    goes_on(door.server)


def test_a_reader_that_opens_a_websocket_behind_its_request(door: Door) -> None:
    """The websocket would take the connection over, and nobody held back the answer under way."""
    before, head = door.counted("malformed"), "Host: localhost\r\n"
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    with door.connect() as connection:
        connection.sendall(
            f"GET {RUN}/tasks/t/log/raw HTTP/1.1\r\n{head}\r\nGET /api/v1/events/stream HTTP/1.1\r\n{head}{upgrade}"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        received = rest(connection)
    assert received.count(b"HTTP/1.1 ") == 1
    assert len(received) > LINES * len(LINE)
    assert door.counted("malformed") == before + 1


def test_a_reader_that_goes_with_requests_unanswered(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """What is left of the first answer is written to nobody."""
    with door.connect() as connection:
        connection.sendall(f"GET {RUN}/tasks/t/log/raw HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 2)
        assert connection.recv(1)
    until(lambda: door.server.services.connections() == 0, "it is gone")
    goes_on(door.server)
    assert [record.getMessage() for record in caplog.records] == []


def test_a_slow_reader_gets_everything(door: Door) -> None:
    """As long as it takes something now and then."""
    before = door.counted("slow_reader")
    path = f"{RUN}/tasks/t/log/raw"
    with door.server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received, began = 0, time.monotonic()
        while time.monotonic() - began < 1.5:  # several times what it may take nothing
            received += len(connection.recv(65536))
            threading.Event().wait(0.02)
        received += len(rest(connection))
    assert received > LINES * len(LINE)
    assert door.counted("slow_reader") == before


def test_a_reader_over_tls(secured: ServerThread) -> None:
    door = Door(secured, lambda: connect_tls(secured))
    put_large(door)
    before = door.counted("slow_reader")
    with door.connect() as connection:
        connection.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        counts_one_more(door, "slow_reader", before)
        assert len(rest(connection)) < SIZE


LARGE = "/api/v1/namespaces/default/pipelines/plain/objects/large"
SIZE = 40_000_000


def put_large(door: Door) -> None:
    for method, path, body in (
        ("POST", "/api/v1/namespaces/default/pipelines", b'{"id":"plain","tasks":[{"id":"one","image":"fake"}]}'),
        ("PUT", LARGE, bytes(SIZE)),
    ):
        with door.connect() as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert ServerThread.read_answer(connection, method).status == 201


def test_a_reader_on_the_socket_of_tasks(server: ServerThread) -> None:
    """No token is read there: it is answered with what is wrong, again and again, and takes none of it."""
    door = Door(server, lambda: connect_unix(server))
    before = door.counted("slow_reader")
    with door.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while True:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        counts_one_more(door, "slow_reader", before)
    goes_on(server)
