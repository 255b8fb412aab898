"""Bodies of any size, and clients that do not behave."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gofer.engines.object_store.base import DamagedContent
from tests.integration.api.server import ServerThread
from tests.support.until import until

BASE = "/api/v1/namespaces/default/pipelines/plain/objects"
LIMIT = 40_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), objects={"max_object_bytes": LIMIT}, max_body_bytes=4096)
    found.start()
    yield found
    found.stop()


@pytest.fixture(autouse=True)
def _nothing_is_left(server: ServerThread, pipeline: str) -> Iterator[None]:
    """Whatever a test does, the store has the contents of the objects afterwards, and nothing else."""
    yield

    async def digests() -> set[str]:
        await server.services.objects._collector.collect_once()
        return {content.digest async for content in server.services.objects._store.list()}

    rows = {item["sha256"] for item in server.api.get(BASE, limit=200)["items"]}
    until(lambda: server.in_loop(digests) == rows, "the store has what the rows say")


def head(key: str, *lines: str) -> bytes:
    return "\r\n".join([f"PUT {BASE}/{key} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def test_a_body_larger_than_other_bodies_may_be(server: ServerThread) -> None:
    data = os.urandom(5_000_000)
    assert server.ask("PUT", f"{BASE}/large", data).status == 201
    got = server.ask("GET", f"{BASE}/large")
    assert got.body == data
    part = server.ask("GET", f"{BASE}/large", headers={"Range": "bytes=1048570-3145740"})
    assert (part.status, part.body) == (206, data[1048570:3145741])


def test_a_chunked_body(server: ServerThread) -> None:
    with server.connect() as connection:
        connection.sendall(head("chunked", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n")
        assert server.read_answer(connection).status == 201
    assert server.ask("GET", f"{BASE}/chunked").body == b"hello!"


def test_too_large_is_said_at_once(server: ServerThread) -> None:
    with server.connect() as connection:
        connection.sendall(head("huge", f"Content-Length: {LIMIT + 1}"))
        answer = server.read_answer(connection)
    assert answer.status == 413
    assert "max_object_bytes" in answer.problem["hint"]
    assert answer.headers["connection"] == "close"


def test_too_large_is_said_on_the_way(server: ServerThread) -> None:
    piece = b"%x\r\n" % 1_000_000 + bytes(1_000_000) + b"\r\n"
    with server.connect() as connection:
        connection.sendall(head("huge", "Transfer-Encoding: chunked"))
        for _ in range(LIMIT // 1_000_000 + 1):
            connection.sendall(piece)
        assert server.read_answer(connection).status == 413


def test_a_refusal_comes_before_the_body_where_the_client_waits(server: ServerThread) -> None:
    server.ask("PUT", f"{BASE}/there", b"one")
    cases = [
        (head("there", "Content-Length: 30000000", "Expect: 100-continue"), 409),
        (head("x", "Content-Length: 30000000", "Expect: 100-continue").replace(b"/plain/", b"/none/"), 404),
        (head("bad!id", "Content-Length: 30000000", "Expect: 100-continue"), 422),
    ]
    for request, status in cases:
        with server.connect() as connection:
            connection.sendall(request)
            answer = server.read_answer(connection)
            assert answer.status == status
            assert answer.problem["hint"]


def test_a_refusal_is_seen_by_a_client_that_does_not_wait(server: ServerThread) -> None:
    server.ask("PUT", f"{BASE}/there", b"one")
    assert server.ask("PUT", f"{BASE}/there", bytes(30_000_000)).status == 409
    assert server.ask("PUT", f"{BASE}/x".replace("plain", "none"), bytes(30_000_000)).status == 404


def test_a_client_that_waits_is_told_to_go_on(server: ServerThread) -> None:
    with server.connect() as connection:
        connection.sendall(head("expected", "Content-Length: 5", "Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert server.read_answer(connection).status == 201


@pytest.mark.parametrize("framing", ["Content-Length: 9000000", "Transfer-Encoding: chunked"])
def test_a_client_that_goes_away_half_way_leaves_nothing(server: ServerThread, framing: str) -> None:
    before = server.services.bus.last_seq
    with server.connect() as connection:
        connection.sendall(head("half", framing))
        data = bytes(3_000_000)
        connection.sendall(b"%x\r\n%s\r\n" % (len(data), data) if "chunked" in framing else data)
    assert server.ask("GET", f"{BASE}/half").status == 404
    assert server.services.bus.last_seq == before


def test_a_body_that_breaks_the_protocol(server: ServerThread) -> None:
    with server.connect() as connection:
        connection.sendall(head("broken", "Transfer-Encoding: chunked") + b"5\r\nhello\r\nnonsense\r\n")
        assert server.read_answer(connection).status == 400
    assert server.ask("GET", f"{BASE}/broken").status == 404


def test_a_slow_upload_holds_up_nobody(server: ServerThread) -> None:
    data = os.urandom(2_000_000)
    with server.connect() as slow:
        slow.sendall(head("slow", f"Content-Length: {len(data)}") + data[:-1])
        # The very same content, and the very same key, are put by others meanwhile.
        assert server.ask("PUT", f"{BASE}/quick", data).status == 201
        assert server.ask("PUT", f"{BASE}/slow", b"other").status == 201
        assert server.ask("DELETE", f"{BASE}/quick").status == 204
        slow.sendall(data[-1:])
        assert server.read_answer(slow).status == 409
    assert server.ask("GET", f"{BASE}/slow").body == b"other"


def test_many_at_once_of_the_same_content_under_different_keys(server: ServerThread) -> None:
    data = os.urandom(1_500_000)
    statuses: list[int] = []

    def put(key: str) -> None:
        statuses.append(server.ask("PUT", f"{BASE}/{key}", data).status)

    threads = [threading.Thread(target=put, args=(f"same-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 8
    for n in range(8):
        assert server.ask("GET", f"{BASE}/same-{n}").body == data
        assert server.ask("DELETE", f"{BASE}/same-{n}").status == 204


def test_a_download_that_nobody_reads_holds_up_nobody(server: ServerThread) -> None:
    data = os.urandom(30_000_000)
    assert server.ask("PUT", f"{BASE}/unread", data).status == 201
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {BASE}/unread HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        connection.recv(1000)
        assert server.ask("PUT", f"{BASE}/meanwhile", b"x").status == 201
        assert server.ask("GET", f"{BASE}/unread").body == data
        assert server.ask("DELETE", f"{BASE}/meanwhile").status == 204
    server.ask("DELETE", f"{BASE}/unread")


def test_a_damaged_content_breaks_the_connection_off(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    data = os.urandom(3_000_000)
    assert server.ask("PUT", f"{BASE}/damaged", data).status == 201
    whole = server.services.objects._store.get

    async def damaged(digest: str, start: int = 0, end: int | None = None) -> Any:
        sent = 0
        async for piece in whole(digest, start, end):
            if sent + len(piece) == len(data):
                raise DamagedContent("The content is not what was put there")
            sent += len(piece)
            yield piece

    with monkeypatch.context() as patch:
        patch.setattr(server.services.objects._store, "get", damaged, raising=True)
        with pytest.raises(http.client.IncompleteRead):
            server.ask("GET", f"{BASE}/damaged")
    assert server.ask("GET", f"{BASE}/damaged").body == data
    server.ask("DELETE", f"{BASE}/damaged")


def test_reset_in_the_middle(server: ServerThread) -> None:
    """The connection dies by RST, in an upload and in a download."""
    server.ask("PUT", f"{BASE}/there", b"one")
    large = os.urandom(8_000_000)
    server.ask("PUT", f"{BASE}/big", large)
    for request in (head("reset", "Content-Length: 9000000") + bytes(1_000_000), _get("big")):
        connection = server.connect()
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
    assert server.ask("GET", f"{BASE}/reset").status == 404
    assert hashlib.sha256(server.ask("GET", f"{BASE}/big").body).digest() == hashlib.sha256(large).digest()
    server.ask("DELETE", f"{BASE}/big")


def _get(key: str) -> bytes:
    return f"GET {BASE}/{key} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def test_no_path_leads_out(server: ServerThread, tmp_path: Path) -> None:
    for key in ("..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00", "a%2fb", "-x", "a" * 65):
        answer = server.ask("PUT", f"{BASE}/{key}", b"x")
        assert answer.status == 422, key
