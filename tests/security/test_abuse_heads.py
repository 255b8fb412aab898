"""Heads of requests that are too large, never end, come too slowly, or can be read in two ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.integration.api.server import ServerThread
from tests.security.attacker import (
    Door,
    answer,
    connect_tls,
    connect_unix,
    counts_one_more,
    goes_on,
    rest,
)
from tests.support.certificates import Authority

LIMIT = 8 * 1024
LIMITS = {"max_header_bytes": LIMIT, "request_timeout": 400}
PATIENT = {"max_header_bytes": LIMIT}
# Than the server reads at once.
MORE = 600_000
START = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """Gives nobody much time."""
    yield from serving(tmp_path_factory, **LIMITS)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    made = Authority(tmp_path_factory.mktemp("authority")).sign("server")
    yield from serving(tmp_path_factory, tls_cert_path=made.cert, tls_key_path=made.key, **LIMITS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    yield from serving(tmp_path_factory, **PATIENT)


def serving(tmp_path_factory: pytest.TempPathFactory, **settings: Any) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), **settings)
    found.start()
    yield found
    found.stop()


@pytest.fixture(params=["tcp", "tls", "tasks"])
def door(request: pytest.FixtureRequest, hasty: ServerThread, secured: ServerThread) -> Door:
    """Every way into the server."""
    if request.param == "tls":
        return Door(secured, partial(connect_tls, secured))
    return Door(hasty, hasty.connect if request.param == "tcp" else partial(connect_unix, hasty))


@pytest.mark.parametrize(
    "head",
    [
        START + b"X-Long: " + b"x" * LIMIT + b"\r\n\r\n",
        START + b"".join(b"X-%d: x\r\n" % number for number in range(LIMIT // 8)) + b"\r\n",
        b"GET /" + b"x" * LIMIT + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        START + b"Cookie: " + b"x" * LIMIT,
        START + b"x" * LIMIT,
        b"GET /" + b"x" * LIMIT,
    ],
    ids=[
        "one header",
        "many headers",
        "target",
        "header without an end",
        "name without an end",
        "target without an end",
    ],
)
def test_a_head_that_is_too_large(door: Door, head: bytes) -> None:
    before = door.counted("header_too_large")
    told = answer(door.send(head))
    assert told.status == 431
    assert "max_header_bytes" in told.problem["hint"]
    assert told.headers["connection"] == "close"
    assert door.counted("header_too_large") == before + 1


def test_a_head_of_the_limit_is_read(server: ServerThread) -> None:
    rest_of_it = LIMIT - len(b"/healthz") - len(b"hostlocalhost") - 4 - len(b"x-long") - 4
    for more, status in ((0, 200), (1, 431)):
        head = START + b"X-Long: " + b"x" * (rest_of_it + more) + b"\r\n\r\n"
        assert server.send_raw(head).status == status


def test_a_head_that_comes_too_slowly(door: Door) -> None:
    before = door.counted("header_timeout")
    told = answer(door.send(START + b"X-Slow: "))
    assert told.status == 408
    assert "request_timeout" in told.problem["hint"]
    assert door.counted("header_timeout") == before + 1


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_who_never_asks_is_sent_away(door: Door, sent: bytes) -> None:
    before = door.counted("header_timeout")
    assert door.send(sent) == b""
    assert door.counted("header_timeout") == before + 1


def test_a_second_head_that_comes_too_slowly(hasty: ServerThread) -> None:
    with hasty.connect() as connection:
        connection.sendall(START + b"\r\n")
        assert hasty.read_answer(connection).status == 200
        connection.sendall(START)
        assert answer(rest(connection)).status == 408
    goes_on(hasty)


def test_a_handshake_that_never_begins(secured: ServerThread) -> None:
    door = Door(secured, secured.connect)
    before = door.counted("header_timeout")
    assert door.send(b"") == b""
    assert door.send(b"\x16\x03\x01") == b""  # of a ClientHello
    counts_one_more(door, "header_timeout", before + 1)
    with connect_tls(secured) as connection:
        connection.sendall(START + b"\r\n")
        assert secured.read_answer(connection).status == 200


SMUGGLED = {
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "two lengths that agree": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length in hexadecimal": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a length that int() does not take": POST + b"Content-Length: " + b"0" * 5000 + b"2\r\n\r\n{}",
    "a length beyond all files": POST + b"Content-Length: 18446744073709551614\r\n\r\n{}",
    "length and coding": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "twice the coding": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: identity\r\n\r\n{}",
    "nearly the coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding of HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "a folded header": POST + b"X-Folded: a\r\n b\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a bare LF": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
    "a bare LF in a header": START + b"X: a\nY: b\r\n\r\n",
    "a bare CR in a header": START + b"X: a\rY: b\r\n\r\n",
    "a NUL in a value": START + b"X: a\0b\r\n\r\n",
    "a NUL in a name": START + b"X\0: b\r\n\r\n",
    "a control character": START + b"X: a\x01b\r\n\r\n",
    "a name without a value": START + b"X\r\n\r\n",
    "an empty name": START + b": x\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version in between": b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "a target elsewhere": b"GET http://elsewhere/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body behind an upgrade": POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
    "a chunked body behind an upgrade": POST
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_", SMUGGLED.values(), ids=SMUGGLED)
def test_what_could_be_read_in_two_ways(server: ServerThread, request_: bytes) -> None:
    door = Door(server, server.connect)
    before = door.counted("malformed")
    told = answer(door.send(request_ + START + b"\r\n"))
    assert told.status == 400
    assert told.problem["title"] == "Bad request"
    assert door.counted("malformed") == before + 1


@pytest.mark.parametrize(
    "body",
    [
        b"1\nx\n0\n\n",
        b"1\r\nx0\r\n\r\n",
        b"0x1\r\nx\r\n0\r\n\r\n",
        b"-1\r\nx\r\n",
        b"1 \r\nx\r\n",
        b"10000000000000001\r\n",
    ],
)
def test_chunks_that_could_be_read_in_two_ways(server: ServerThread, body: bytes) -> None:
    received = Door(server, server.connect).send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert answer(received, "POST").status == 400
    goes_on(server)


@pytest.mark.parametrize("extra", [b"X: " + b"x" * MORE, b";" + b"x" * MORE], ids=["trailer", "extension"])
def test_what_stands_between_parts_of_a_body_is_bounded(server: ServerThread, extra: bytes) -> None:
    start = POST + b"Transfer-Encoding: chunked\r\n\r\n0"
    received = Door(server, server.connect).send(start + (b"\r\n" if extra.startswith(b"X") else b"") + extra)
    assert answer(received, "POST").status == 431


def test_headers_behind_a_body_are_nobodys(server: ServerThread) -> None:
    with server.connect() as connection:
        # The body is whole once they have come: they are there when the request is looked at.
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        connection.sendall(b"2\r\n{}\r\n0\r\nHost: elsewhere\r\nX-Request-Id: from-behind\r\n\r\n")
        received = b""
        while b"Bad request" not in received and b"Invalid input" not in received:
            received += connection.recv(65536)
    assert b"from-behind" not in received


def test_requests_one_behind_the_other_are_answered_in_order(server: ServerThread) -> None:
    count = 40
    wanted = [b"GET /api/v1/namespaces/n%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(count)]
    with server.connect() as connection:
        connection.sendall(b"".join(wanted))
        for number in range(count):
            told = read_one(connection)
            assert f"n{number}" in told["detail"]


def test_a_large_head_behind_another_request(server: ServerThread) -> None:
    """However it is cut: the end of the second one comes by itself."""
    second = START + b"X-Long: " + b"x" * LIMIT
    with server.connect() as connection:
        connection.sendall(START + b"\r\n" + second)
        assert server.read_answer(connection).status == 200
        connection.sendall(b"\r\n\r\n")
        assert answer(rest(connection)).status == 431


def test_no_end_of_requests_one_behind_the_other(server: ServerThread) -> None:
    door = Door(server, server.connect)
    before = door.counted("malformed")
    received = door.send((START + b"\r\n") * 4_000)
    # What was asked before it was too much is answered, each once, whole.
    assert 1 <= received.count(b"HTTP/1.1 200 ") <= 70
    assert received.count(b"HTTP/1.1 ") == received.count(b'{"status":"ok"')
    assert door.counted("malformed") == before + 1
    goes_on(server)


def test_a_bad_request_behind_a_good_one(server: ServerThread) -> None:
    received = Door(server, server.connect).send(START + b"\r\n" + b"BREW / HTTP/1.1\r\n\r\n")
    assert received.count(b"HTTP/1.1 ") == 1
    assert answer(received).status == 200


def test_another_protocol_that_is_offered_is_left_alone(server: ServerThread) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
    told = answer(Door(server, server.connect).send(START + offer + START + b"\r\n"))
    assert (told.status, told.headers["connection"]) == (200, "close")


def test_a_handshake_of_a_websocket_with_too_long_a_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    for server in serving(tmp_path_factory):
        head = (
            b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX: "
        )
        assert Door(server, server.connect).send(head + b"x" * 10_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
        goes_on(server)


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        ("POST", "Sec-WebSocket-Version: 13\r\n", 405),
        ("GET", "Sec-WebSocket-Version: 8\r\n", 400),
        ("GET", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400),
        ("GET", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ,\r\n", 400),
        ("GET", "Sec-WebSocket-Version: 13\r\n" + "X: x\r\n" * 200, 431),
    ],
)
def test_a_handshake_of_no_websocket(server: ServerThread, method: str, more: str, status: int) -> None:
    """Answered as every other error is, though no application hears of it."""
    door = Door(server, server.connect)
    before = door.counted("malformed")
    head = (
        f"{method} /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
    told = answer(door.send(head.encode()), method)
    assert (told.status, told.problem["title"]) == (status, "No websocket")
    assert told.headers["x-frame-options"] == "DENY"
    assert door.counted("malformed") == before + 1


def read_one(connection: object) -> dict[str, str]:
    """The problem of the next answer, byte by byte: the one behind it stays where it is."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)  # type: ignore[attr-defined]
    length = int(next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))  # type: ignore[attr-defined]
    found: dict[str, str] = json.loads(body)
    return found
