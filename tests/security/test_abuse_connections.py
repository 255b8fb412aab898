"""More connections than there may be: those that do nothing go first, and the API answers all the time."""

from __future__ import annotations

import resource
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.server import ServerThread
from tests.security.attacker import Door, answer, connect_small, connect_tls, connect_unix, goes_on, rest
from tests.support.certificates import Authority
from tests.support.server import ServerProcess
from tests.support.until import until

MANY = 2_000
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with ExitStack() as stack:

        def begin(**settings: Any) -> ServerThread:
            found = ServerThread(tmp_path_factory.mktemp("server"), **settings)
            found.start()
            stack.callback(found.stop)
            return found

        yield begin


@contextmanager
def many_files() -> Iterator[None]:
    """For both ends of thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("sent", [b"", HEALTH + b"X-Slow: "], ids=["silent", "in a head"])
def test_thousands_that_never_end_their_request(start: Any, sent: bytes) -> None:
    with many_files(), ExitStack() as stack:
        server = start(max_connections=200)
        door = Door(server, server.connect)
        for number in range(MANY):
            connection = stack.enter_context(door.connect())
            connection.sendall(sent)
            if number % 200 == 0:
                assert server.ask("GET", "/healthz").status == 200
        goes_on(server)
        assert server.services.connections() <= 200
        assert door.counted("connections") >= MANY - 200


def test_hundreds_that_never_end_their_body(start: Any) -> None:
    """An upload that was there before all of them goes on."""
    server = start(max_connections=50)
    server.api.register({"id": "plain", "tasks": [{"id": "one", "image": "fake"}]})
    path = "/api/v1/namespaces/default/pipelines/plain/objects/k"
    head = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
    with ExitStack() as stack:
        upload = stack.enter_context(server.connect())
        upload.sendall(f"PUT {path} HTTP/1.1\r\n{head}Expect: 100-continue\r\n\r\n".encode())
        assert upload.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for _turn in range(500):
            connection = stack.enter_context(server.connect())
            connection.sendall(f"POST /api/v1/namespaces HTTP/1.1\r\n{head}\r\n{{".encode())
        assert server.ask("GET", "/healthz").status == 200
        assert server.services.connections() <= 50
        upload.sendall(b"abcd")
        assert server.read_answer(upload, "PUT").status == 201
        goes_on(server)


def test_thousands_that_never_shake_hands(start: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = Authority(tmp_path_factory.mktemp("authority")).sign("server")
    with many_files(), ExitStack() as stack:
        server = start(max_connections=100, tls_cert_path=made.cert, tls_key_path=made.key)
        door = Door(server, lambda: connect_tls(server))
        for _turn in range(MANY // 2):
            stack.enter_context(server.connect())
        assert answer(door.send(HEALTH + b"Connection: close\r\n\r\n")).status == 200
        assert server.services.connections() <= 100
        assert door.counted("connections") >= MANY // 2 - 100


def test_thousands_that_only_time_ends(start: Any) -> None:
    """There is room for all of them; none may stay."""
    with many_files(), ExitStack() as stack:
        server = start(max_connections=4096, request_timeout=1_000)
        door = Door(server, server.connect)
        held = []
        for _turn in range(MANY):
            held.append(stack.enter_context(door.connect()))
            held[-1].sendall(HEALTH)
        assert server.ask("GET", "/healthz").status == 200
        assert answer(rest(held[0])).status == 408
        assert answer(rest(held[-1])).status == 408
        until(lambda: door.counted("header_timeout") == MANY, "all are counted")
        until(lambda: server.services.connections() <= 1, "all are closed")


def test_the_oldest_that_does_nothing_goes_first(start: Any) -> None:
    server = start(max_connections=3)
    with ExitStack() as stack:
        first, second, third = (stack.enter_context(server.connect()) for _turn in range(3))
        for connection in (third, second, first):  # so the third has waited for longest
            ask(server, connection)
        stack.enter_context(server.connect())
        assert rest(third) == b""
        ask(server, first)
        ask(server, second)


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "tasks"])
def test_if_all_are_busy_the_new_one_is_refused(start: Any, unix: bool) -> None:
    server = start(max_connections=2)
    door = Door(server, server.connect)
    with ExitStack() as stack:
        for _turn in range(2):
            stack.enter_context(stream(server))
        for _turn in range(3):
            before = door.counted("connections")
            with connect_unix(server) if unix else server.connect() as connection:
                told = answer(rest(connection))
            assert (told.status, told.headers["retry-after"]) == (503, "5")
            assert "max_connections" in told.problem["hint"]
            assert door.counted("connections") == before + 1
    until(lambda: server.services.connections() == 0, "the busy ones have gone")
    goes_on(server)


def test_a_request_under_way_is_never_given_up(start: Any) -> None:
    server = start(max_connections=2)
    with ExitStack() as stack:
        busy = stack.enter_context(stream(server))
        for _turn in range(10):
            stack.enter_context(server.connect())
        assert server.ask("GET", "/healthz").status == 200
        busy.settimeout(0.1)
        with pytest.raises(TimeoutError):
            busy.recv(1)


SLOW = (
    b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
)
PAGES = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60


@pytest.mark.parametrize("sent", [HEALTH + b"\r\n" + SLOW, PAGES], ids=["a body behind a request", "pages, unread"])
def test_nobody_holds_all_connections_without_a_token(start: Any, sent: bytes) -> None:
    server = start(production=True, max_connections=3, request_timeout=300_000)
    token = server.bootstrap()
    with ExitStack() as stack:
        # Whoever has a token stays, also if nothing of the answer is read.
        known = stack.enter_context(connect_small(server))
        known.sendall(PAGES.replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {token}\r\n\r\n".encode()))
        until(lambda: server.services.connections() == 1, "the first is there")
        for _turn in range(2):
            stack.enter_context(connect_small(server)).sendall(sent)
        until(lambda: server.services.connections() == 3, "all are there")
        until(lambda: answered(server), "another is let in")
        assert len(rest_of(known, 20)) == 20


def test_who_is_refused_over_tls_and_never_says_goodbye(start: Any, tmp_path: Path) -> None:
    made = Authority(tmp_path).sign("server")
    server = start(production=True, max_connections=2, tls_cert_path=made.cert, tls_key_path=made.key)
    door = Door(server, lambda: connect_tls(server))
    with ExitStack() as stack:
        for _turn in range(2):
            stack.enter_context(door.connect()).sendall(UPGRADE)
        # Not only when nothing is heard of them for half a minute.
        until(lambda: answer_or_none(door) == 200, "another is let in", 15)


@pytest.mark.parametrize("sent", [SLOW, PAGES], ids=["a body", "pages, unread"])
def test_nobody_holds_up_the_stop_without_a_token(tmp_path: Path, sent: bytes) -> None:
    server = ServerThread(tmp_path, production=True, shutdown_timeout=600_000)
    server.start()
    server.bootstrap()
    with connect_small(server) as connection:
        connection.sendall(sent)
        until(lambda: server.services.connections() == 1, "it is there")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(timeout=60)
        assert not stopping.is_alive()
    stopping.join()


def answered(server: ServerThread) -> bool:
    with server.connect() as connection:
        connection.sendall(HEALTH + b"\r\n")
        return server.read_answer(connection).status == 200


def answer_or_none(door: Door) -> int | None:
    """The status; None if the handshake is cut off."""
    try:
        return answer(door.send(HEALTH + b"Connection: close\r\n\r\n")).status
    except OSError:
        return None


def rest_of(connection: socket.socket, most: int) -> bytes:
    return connection.recv(most, socket.MSG_WAITALL)


def test_a_process_that_may_open_few_files(tmp_path: Path) -> None:
    """Fewer connections then, said at the start, so that there are always files left to answer with."""
    few = ("sh", "-c", 'ulimit -n 512; exec "$@"', "sh", sys.executable, "-m", "gofer")
    server = ServerProcess(tmp_path, "fake", program=few)
    try:
        api = server.start()
        assert "leaves room for fewer connections than server.max_connections" in server.log_text()
        host, _, port = api.address.rpartition("://")[2].rpartition(":")
        with many_files(), ExitStack() as stack:
            for _turn in range(1_000):
                stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            api.register({"id": "plain", "tasks": [{"id": "one", "image": "fake"}]})
            assert api.ended("plain", api.start("plain"))["status"] == "successful"
        assert "Too many open files" not in server.log_text()
    finally:
        assert server.stop() == 0


def ask(server: ServerThread, connection: socket.socket) -> None:
    connection.sendall(HEALTH + b"\r\n")
    assert server.read_answer(connection).status == 200


def stream(server: ServerThread) -> socket.socket:
    """A websocket that lasts."""
    connection = server.connect()
    connection.sendall(UPGRADE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    return connection
