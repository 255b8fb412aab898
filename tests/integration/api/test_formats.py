"""JSON and MessagePack, as the headers say."""

from __future__ import annotations

import msgspec
import pytest

from tests.integration.api.server import ServerThread

NAMESPACES = "/api/v1/namespaces"
MSGPACK = "application/msgpack"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/*", "text/html, */*;q=0.8"])
def test_json_unless_asked_otherwise(server: ServerThread, accept: str | None) -> None:
    answer = server.ask("GET", NAMESPACES, headers={} if accept is None else {"Accept": accept})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["items"][0]["id"] == "default"


@pytest.mark.parametrize(
    "accept", [MSGPACK, "application/x-msgpack", "application/json;q=0.5, application/msgpack", "APPLICATION/MSGPACK"]
)
def test_msgpack_where_asked_for(server: ServerThread, accept: str) -> None:
    answer = server.ask("GET", NAMESPACES, headers={"Accept": accept})
    assert answer.headers["content-type"] == MSGPACK
    assert msgspec.msgpack.decode(answer.body) == server.ask("GET", NAMESPACES).json


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "", "application/json;q=x"])
def test_what_cannot_be_written(server: ServerThread, accept: str) -> None:
    answer = server.ask("GET", NAMESPACES, headers={"Accept": accept})
    assert answer.status == 406
    assert "application/json" in answer.problem["hint"]


def test_refusal_of_a_format_comes_before_the_effect(server: ServerThread) -> None:
    headers = {"Accept": "text/html"}
    assert server.send_json("POST", NAMESPACES, {"id": "unwritten"}, headers).status == 406
    assert server.ask("GET", f"{NAMESPACES}/unwritten").status == 404


def test_msgpack_both_ways(server: ServerThread) -> None:
    headers = {"Content-Type": MSGPACK, "Accept": MSGPACK}
    answer = server.ask("POST", NAMESPACES, msgspec.msgpack.encode({"id": "packed", "name": "ä"}), headers)
    assert answer.status == 201
    assert msgspec.msgpack.decode(answer.body)["name"] == "ä"


def test_errors_are_problems_whatever_is_accepted(server: ServerThread) -> None:
    answer = server.ask("GET", f"{NAMESPACES}/nobody", headers={"Accept": MSGPACK})
    assert answer.problem["status"] == 404


def test_json_with_its_charset_named(server: ServerThread) -> None:
    headers = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert server.send_json("POST", NAMESPACES, {"id": "charset"}, headers).status == 201


def test_text_answers_follow_accept_too(server: ServerThread, pipeline: str) -> None:
    assert server.ask("GET", f"{pipeline}/graph", headers={"Accept": "text/*"}).status == 200
    assert server.ask("GET", f"{pipeline}/graph", headers={"Accept": "application/json"}).status == 406
