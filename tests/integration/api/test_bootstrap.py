"""The first token: who gets it, how often, and who does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gofer.cli.service.code_file import CodeFile
from tests.integration.api.server import Answer, ServerThread

PATH = "/api/v1/bootstrap"
INFO = "/api/v1/system/info"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path, production=True)
    found.start()
    yield found
    found.stop()


def place(server: ServerThread) -> str:
    return str(server.ask("GET", PATH).json["code_file"])


def claim(server: ServerThread, *, again: bool = False, headers: dict[str, str] | None = None) -> Answer:
    with CodeFile(place(server)) as code:
        return server.send_json("POST", PATH, {"code": code, "again": again}, headers)


def test_once(server: ServerThread, tmp_path: Path) -> None:
    assert server.ask("GET", PATH).json == {"done": False, "code_file": str(tmp_path / "bootstrap.code")}
    assert server.ask("GET", INFO).status == 401
    first = claim(server)
    assert first.status == 201
    assert (first.json["token"]["root"], first.json["token"]["kind"]) == (True, "management")
    assert server.ask("GET", INFO, token=first.json["secret"]).status == 200
    assert server.ask("GET", PATH).json["done"] is True
    assert not (tmp_path / "bootstrap.code").exists()
    second = claim(server)
    assert second.status == 409
    assert "gofer service token bootstrap --again" in second.problem["hint"]


def test_again_for_one_that_is_lost(server: ServerThread) -> None:
    lost = claim(server).json
    kept = server.api_of(lost["secret"]).post("tokens", {"kind": "management"})["secret"]
    found = claim(server, again=True).json
    assert server.ask("GET", INFO, token=lost["secret"]).status == 401
    for token in (kept, found["secret"]):
        assert server.ask("GET", INFO, token=token).status == 200
    told = server.api_of(kept).get("events", kind="token.*")["items"]
    assert [(event["kind"], event["data"]["token"]) for event in told[-2:]] == [
        ("token.deleted", lost["token"]["id"]),
        ("token.created", found["token"]["id"]),
    ]
    assert [one["root"] for one in server.api_of(kept).get("tokens")["items"] if "root" in one] == [True]


def test_again_where_there_is_none_yet(server: ServerThread) -> None:
    assert claim(server, again=True).status == 201


def test_a_code_is_needed_and_is_good_once(server: ServerThread) -> None:
    assert server.send_json("POST", PATH, {"code": ""}).status == 403
    assert server.send_json("POST", PATH, {"code": "c" * 64}).status == 403
    with CodeFile(place(server)) as code:
        assert server.send_json("POST", PATH, {"code": code[:-1] + "!"}).status == 403
        assert server.send_json("POST", PATH, {"code": code}).status == 201
        assert server.send_json("POST", PATH, {"code": code, "again": True}).status == 403


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"]
)
def test_not_through_a_proxy_on_the_same_machine(server: ServerThread, header: str) -> None:
    headers = {header: "127.0.0.1"}
    answer = server.ask("GET", PATH, headers=headers)
    assert answer.status == 403
    assert "bootstrap.code" not in answer.body.decode()
    assert claim(server, headers=headers).status == 403
    assert server.services.is_unclaimed


def test_not_by_a_web_page(server: ServerThread) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert server.ask("GET", PATH, headers=headers).status in (403, 421)


def test_many_at_once_make_one(server: ServerThread) -> None:
    where = place(server)
    answers: list[Answer] = []

    def send(code: str) -> None:
        answers.append(server.send_json("POST", PATH, {"code": code}))

    with CodeFile(where) as code:
        threads = [threading.Thread(target=send, args=[code]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answer.status for answer in answers) == [201] + [403] * 7
    assert len(server.services.registry.tokens()) == 1


def test_in_development_too(tmp_path: Path) -> None:
    server = ServerThread(tmp_path)
    server.start()
    try:
        assert claim(server).status == 201
        assert server.ask("GET", INFO).status == 200
        assert server.ask("GET", "/api/v1/whoami").json["kind"] == "local"
    finally:
        server.stop()
