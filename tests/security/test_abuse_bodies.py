"""Bodies that do not come, and uploads that come slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.integration.api.server import ServerThread
from tests.security.attacker import Door, answer, connect_unix, goes_on, rest

STALL = 2_000
POST = b"POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PLAIN = {"id": "plain", "tasks": [{"id": "one", "image": "fake"}]}
OBJECTS = "/api/v1/namespaces/default/pipelines/plain/objects"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), request_timeout=300, stall_timeout=STALL)
    found.start()
    found.api.register(PLAIN)
    yield found
    found.stop()


@pytest.fixture
def door(server: ServerThread) -> Door:
    return Door(server, server.connect)


def put(key: str, *headers: str) -> bytes:
    return "\r\n".join([f"PUT {OBJECTS}/{key} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 10\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        POST + b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["length", "chunks", "asked for"],
)
def test_a_body_that_does_not_come(door: Door, request_: bytes) -> None:
    before = door.counted("body_timeout")
    received = door.send(request_).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    told = answer(received, "POST")
    assert told.status == 408
    assert "request_timeout" in told.problem["hint"]
    assert door.counted("body_timeout") == before + 1
    goes_on(door.server)


def test_a_body_that_nobody_waits_for(door: Door) -> None:
    """It is answered before its body has come: that never comes."""
    before = door.counted("body_timeout")
    received = door.send(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
    assert answer(received, "POST").status == 404
    assert received.count(b"HTTP/1.1 ") == 1
    assert door.counted("body_timeout") == before + 1


def test_a_body_that_was_refused_before_it_was_sent(door: Door) -> None:
    """Nobody knows whether what comes next is the body or another request, so nothing may."""
    refused = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n"
    with door.connect() as connection:
        connection.sendall(refused)
        assert answer(rest(connection), "POST").status == 404


def test_a_body_on_the_socket_of_tasks(server: ServerThread) -> None:
    door = Door(server, lambda: connect_unix(server))
    before = door.counted("body_timeout")
    assert answer(door.send(POST + b"Content-Length: 10\r\n\r\n{"), "POST").status == 401
    assert door.counted("body_timeout") == before + 1


def test_an_upload_that_stops(door: Door) -> None:
    before = door.counted("slow_writer")
    told = answer(door.send(put("stopped", "Content-Length: 10") + b"x"), "PUT")
    assert told.status == 408
    assert "stall_timeout" in told.problem["hint"]
    assert door.counted("slow_writer") == before + 1
    assert door.server.ask("GET", f"{OBJECTS}/stopped").status == 404


def test_an_upload_that_goes_on(door: Door) -> None:
    """It takes several times what another body may take, as every byte of it is awaited anew."""
    began = time.monotonic()
    with door.connect() as connection:
        connection.sendall(put("slow", "Transfer-Encoding: chunked"))
        while time.monotonic() - began < 1.5:
            connection.sendall(b"1\r\nx\r\n")
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):  # and no answer yet
                connection.recv(1)
        connection.settimeout(30)
        connection.sendall(b"0\r\n\r\n")
        assert ServerThread.read_answer(connection, "PUT").status == 201


def test_an_upload_that_waits_to_be_asked_for(door: Door) -> None:
    before = door.counted("slow_writer")
    with door.connect() as connection:
        connection.sendall(put("asked", "Content-Length: 10", "Expect: 100-continue"))
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 ")
    assert door.counted("slow_writer") == before + 1


def test_a_body_that_is_too_large_is_counted(door: Door) -> None:
    before = door.counted("body_too_large")
    assert door.server.send_raw(POST + b"Content-Length: 100000000\r\n\r\n", "POST").status == 413
    assert door.counted("body_too_large") == before + 1


def test_an_answer_under_way_outlives_a_body_that_does_not_come(door: Door) -> None:
    """Who is being answered is no slow writer, whatever was announced."""
    size = 30_000_000
    assert door.server.ask("PUT", f"{OBJECTS}/large", bytes(size)).status == 201
    with door.connect() as connection:
        connection.sendall(f"GET {OBJECTS}/large HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n".encode())
        received, began = bytearray(), time.monotonic()
        while time.monotonic() - began < 1.0:
            received += connection.recv(65536)
            threading.Event().wait(0.02)
        while len(received) < size:
            received += connection.recv(1 << 20)
    goes_on(door.server)
