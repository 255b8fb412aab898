"""The client of the API: addresses, errors, pages, retries."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import exit_code_of
from gofer.client import paths
from gofer.client.address import Address, Server, parse_address, parse_token
from gofer.client.http import Client, query_string
from gofer.errors import ClientError, ConfigError, InvalidInput
from gofer.models.pipeline import CreateNamespace
from tests.cli.small_server import Answer, Request, closed_port, problem, small_server


class Thing(msgspec.Struct):
    id: int


@contextmanager
def client_of(address: str, timeout: float = 20.0) -> Iterator[Client]:
    with closing(Client(Server(parse_address(address), "secret-token"), timeout)) as client:
        yield client


def failure(address: str, timeout: float = 20.0) -> ClientError:
    with client_of(address, timeout) as client, pytest.raises(ClientError) as caught:
        client.get("/x", Thing)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:8080", Address("http", "localhost", 8080)),
        ("gofer.example.org", Address("http", "gofer.example.org", 8080)),
        ("http://127.0.0.1:99/", Address("http", "127.0.0.1", 99)),
        ("https://gofer.example.org", Address("https", "gofer.example.org", 443)),
        ("[::1]:9000", Address("http", "::1", 9000)),
        ("http://[::1]", Address("http", "::1", 8080)),
        ("unix:///run/gofer.sock", Address("http", "localhost", 8080, "/run/gofer.sock")),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


def test_a_token_loses_the_end_of_its_line() -> None:
    assert parse_token("gofer_run_abc\r\n") == "gofer_run_abc"


@pytest.mark.parametrize("text", ["abc\r\ndef", "abc def", "abc\x00", "abc\u2603"])
def test_what_no_header_can_carry_is_no_token_and_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="the token is none") as caught:
        parse_token(text)
    assert "abc" not in caught.value.message + caught.value.hint
    assert exit_code_of(caught.value) is ExitCode.USAGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "host:",
        "host:x",
        "host:0",
        "host:65536",
        "ftp://x",
        "unix://relative",
        "a b:80",
        "[::1",
        "u@h",
        "h/x",
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address(text)
    assert "localhost:8080" in caught.value.hint
    assert exit_code_of(caught.value) is ExitCode.USAGE


@pytest.mark.parametrize("text", ["..", "a/b", "a%2Fb", "", "a?b", "a\x00"])
def test_ids_cannot_name_another_path(text: str) -> None:
    for make in (paths.namespace, lambda x: paths.pipeline("n", x), lambda x: paths.task("n", "p", 1, x)):
        with pytest.raises(InvalidInput):
            make(text)


def test_a_query_leaves_out_what_is_not_there() -> None:
    assert query_string({"a": 1, "b": None, "c": ["x", "y z"], "d": True}) == "?a=1&c=x&c=y+z&d=true"
    assert query_string({"a": None}) == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ExitCode.REFUSED),
        (403, ExitCode.REFUSED),
        (404, ExitCode.NOT_FOUND),
        (409, ExitCode.REFUSED),
        (410, ExitCode.NOT_FOUND),
        (422, ExitCode.REFUSED),
        (500, ExitCode.SERVER_FAULT),
        (503, ExitCode.SERVER_FAULT),
    ],
)
def test_errors_of_the_server(status: int, code: ExitCode) -> None:
    told = {"detail": "what happened", "hint": "what to do", "problems": [{"place": "a.b", "message": "wrong"}]}
    with small_server(lambda _: problem(status, **told)) as server:
        error = failure(server.address)
    assert (error.message, error.hint, error.problem_status) == ("what happened", "what to do", status)
    assert [(p.place, p.message) for p in error.problems] == [("a.b", "wrong")]
    assert exit_code_of(error) is code


def test_another_program_on_the_port_is_not_taken_for_gofer() -> None:
    with small_server(lambda _: Answer(404, b"<html>", "text/html")) as server:
        error = failure(server.address)
    assert "not as a Gofer server" in error.message
    assert exit_code_of(error) is ExitCode.UNREACHABLE


def test_an_answer_that_is_not_understood() -> None:
    with small_server(lambda _: Answer(200, b'{"id": "text"}')) as server:
        assert "is not understood" in failure(server.address).message


def test_nobody_listens() -> None:
    with closed_port() as address:
        error = failure(address)
    assert "nothing listens there" in error.message
    assert "gofer service start" in error.hint
    assert exit_code_of(error) is ExitCode.UNREACHABLE


def test_no_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
    assert "no answer in time" in error.message
    assert "gofer service start" not in error.hint


def test_a_dropped_write_is_sent_again_with_the_same_key() -> None:
    def answers(request: Request) -> Answer:
        return Answer(drop=True) if len(server.requests) == 1 else Answer(201, b'{"id": 7}')

    with small_server(answers) as server, client_of(server.address) as client:
        made = client.send("POST", "/x", Thing, CreateNamespace(id="a"))
    assert made == Thing(7)
    first, second = server.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body == b'{"id":"a","name":"","description":""}'


def test_each_write_has_a_key_of_its_own_and_the_token() -> None:
    with small_server(lambda _: Answer(200, b'{"id": 7}')) as server, client_of(server.address) as client:
        client.send("POST", "/x", Thing)
        client.send("POST", "/x", Thing)
        client.get("/x", Thing)
    keys = [request.headers.get("Idempotency-Key") for request in server.requests]
    assert keys[0] != keys[1]
    assert keys[2] is None
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer secret-token"}


def test_a_server_that_always_drops_is_given_up() -> None:
    with small_server(lambda _: Answer(drop=True)) as server:
        error = failure(server.address)
    assert len(server.requests) == 3
    assert exit_code_of(error) is ExitCode.UNREACHABLE


def test_pages_are_fetched_one_after_the_other() -> None:
    def answers(request: Request) -> Answer:
        cursor = request.target.partition("cursor=")[2]
        page = {"items": [{"id": int(cursor or 0)}], "next": str(int(cursor or 0) + 1) if cursor != "2" else None}
        return Answer(200, json.dumps(page).encode())

    with small_server(answers) as server, client_of(server.address) as client:
        pages = list(client.pages("/x", Thing, {"limit": 1}))
    assert [item.id for page in pages for item in page.items] == [0, 1, 2]
    assert server.requests[0].target == "/x?limit=1"


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"id": 5}')

        thread = threading.Thread(target=answer)
        thread.start()
        with client_of(f"unix://{path}") as client:
            assert client.get("/x", Thing) == Thing(5)
        thread.join()
