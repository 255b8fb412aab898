"""Bodies: size, type, syntax and fields are checked before anything happens."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from tests.integration.api.server import ServerThread

NAMESPACES = "/api/v1/namespaces"
JSON = {"Content-Type": "application/json"}
LIMIT = 64 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), max_body_bytes=LIMIT)
    found.start()
    yield found
    found.stop()


@pytest.fixture(autouse=True)
def _changes_nothing(server: ServerThread) -> Iterator[None]:
    before = server.services.bus.last_seq
    yield
    assert server.services.bus.last_seq == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"id":"a"} x',
        b'{"id":NaN}',
        b'{"id":"\\ud800"}',
        b'{"id":"\xff"}',
        b'\xef\xbb\xbf{"id":"a"}',
        b"'",
        b'{"id":"a\x00"}',
    ],
)
def test_malformed_json(server: ServerThread, body: bytes) -> None:
    answer = server.ask("POST", NAMESPACES, body, JSON)
    assert answer.status == 400
    assert "JSON" in answer.problem["detail"]


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x81", b"\x80\x80", b"\x81\xa2id\xa1\xff", b"{}"])
def test_malformed_msgpack(server: ServerThread, body: bytes) -> None:
    answer = server.ask("POST", NAMESPACES, body, {"Content-Type": "application/msgpack"})
    assert answer.status in (400, 422)
    assert answer.problem["hint"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"[" * 10_000, b"{}", b'{"id":1}', b'{"id":null}'])
def test_wrong_shapes(server: ServerThread, body: bytes) -> None:
    answer = server.ask("POST", NAMESPACES, body, JSON)
    assert answer.status == 422
    assert "place" in answer.problem["problems"][0]


def test_place_of_a_wrong_type(server: ServerThread) -> None:
    answer = server.ask("POST", NAMESPACES, b'{"id":"a","name":7}', JSON)
    assert (answer.status, answer.problem["problems"][0]["place"]) == (422, "name")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"version":0}', "Expected int >= 1, got 0"),
        (b'{"version":-1.0}', "version"),
        (b'{"version":1%s}' % (b"0" * 30), f"Expected int <= {2**53 - 1}, got {10**30}"),
        (b'{"version":1%s}' % (b"0" * 5_000), "version"),
        (b'{"reason":"%s"}' % (b"x" * 1_001), "Expected str of length <= 1000, got one of 1001 characters"),
        (b'{"version":0,nonsense', "Expected int >= 1"),
    ],
)
def test_out_of_bounds(server: ServerThread, body: bytes, message: str) -> None:
    answer = server.ask("POST", f"{NAMESPACES}/default/pipelines/none/rollback", body, JSON)
    assert answer.status == 422
    assert message in str(answer.problem)


def test_unknown_field_names_the_nearest(server: ServerThread) -> None:
    answer = server.ask("POST", NAMESPACES, b'{"id":"a","descripton":""}', JSON)
    assert answer.status == 422
    assert "description" in answer.problem["hint"]
    assert answer.problem["problems"][0]["place"] == "descripton"


@pytest.mark.parametrize("name", ["", "a b", "../a", "a" * 65, "ä", "a\n", "-a", "a\x00"])
def test_malformed_id_in_a_body(server: ServerThread, name: str) -> None:
    answer = server.send_json("POST", NAMESPACES, {"id": name})
    assert answer.status == 422
    assert "letters" in answer.problem["hint"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": ""},
        {"Content-Type": "application/jsonp"},
    ],
)
def test_other_content_types(server: ServerThread, headers: dict[str, str]) -> None:
    answer = server.ask("POST", NAMESPACES, b'{"id":"a"}', headers)
    assert answer.status == 415
    assert answer.problem["hint"]


def test_body_where_none_is_taken(server: ServerThread) -> None:
    path = f"{NAMESPACES}/default/pipelines/none/runs/cancel"
    assert server.ask("POST", path, b'{"all":true}', JSON).status == 422
    assert server.ask("POST", path, b"all", {"Content-Type": "text/plain"}).status == 415
    assert server.ask("POST", path, b"{}", JSON).status == 404
    assert server.ask("POST", path).status == 404


def test_content_length_over_the_limit_is_refused_unread(server: ServerThread) -> None:
    head = f"POST {NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = server.send_raw(head.encode() + f"Content-Length: {LIMIT + 1}\r\n\r\n".encode(), "POST")
    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    assert "65.5kB" in answer.problem["detail"]


def test_expect_continue_is_not_granted_to_what_is_too_large(server: ServerThread) -> None:
    head = f"POST {NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    assert server.send_raw(head.encode() + f"Content-Length: {LIMIT + 1}\r\n\r\n".encode(), "POST").status == 413


def test_chunked_body_over_the_limit_is_refused_while_it_streams(server: ServerThread) -> None:
    head = f"POST {NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            connection.sendall(chunk)
        # Never ended: the answer comes all the same.
        assert server.read_answer(connection, "POST").status == 413


def test_client_that_sends_all_of_a_large_body_gets_to_see_the_refusal(server: ServerThread) -> None:
    answer = server.ask("POST", NAMESPACES, b"x" * 4_000_000, JSON)
    assert answer.status == 413
    assert answer.problem["title"] == "Too large"


def test_body_of_just_the_limit_is_read(server: ServerThread) -> None:
    body = json.dumps({"id": "a", "descripton": ""}).encode().ljust(LIMIT)
    assert server.ask("POST", NAMESPACES, body, JSON).status == 422
    assert server.ask("POST", NAMESPACES, body + b" ", JSON).status == 413


@pytest.mark.parametrize("length", ["-1", "abc", "1, 2", "99999999999999999999999"])
def test_impossible_content_length(server: ServerThread, length: str) -> None:
    head = f"POST {NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = server.send_raw(head.encode() + f"Content-Length: {length}\r\n\r\n".encode(), "POST")
    assert answer.status in (400, 413)


def test_client_that_leaves_in_the_middle_of_its_body(server: ServerThread) -> None:
    head = f"POST {NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + b'Content-Length: 100\r\n\r\n{"id":"a"')
    assert server.ask("GET", "/healthz").status == 200


def test_manifest_over_its_own_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    roomy = ServerThread(tmp_path_factory.mktemp("roomy"))
    roomy.start()
    try:
        body = json.dumps({"id": "a", "description": "x" * 1_100_000}).encode()
        answer = roomy.ask("POST", f"{NAMESPACES}/default/pipelines", body, JSON)
        assert answer.status == 413
        assert answer.problem["hint"]
    finally:
        roomy.stop()


@pytest.mark.parametrize("version", [0, -1, 2**53, 2**70, "1", 1.5])
def test_version_of_a_run_is_bounded(server: ServerThread, version: object) -> None:
    answer = server.send_json("POST", f"{NAMESPACES}/default/pipelines/none/runs", {"version": version})
    assert answer.status == 422


def test_msgpack_body_is_checked_like_json(server: ServerThread) -> None:
    body = msgspec.msgpack.encode({"id": "a", "nam": ""})
    answer = server.ask("POST", NAMESPACES, body, {"Content-Type": "application/msgpack"})
    assert answer.status == 422
    assert "name" in answer.problem["hint"]
