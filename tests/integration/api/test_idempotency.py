"""Idempotency-Key: sent again, a write is answered again and done once."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from tests.integration.api.server import Answer, ServerThread

NAMESPACES = "/api/v1/namespaces"
REPLAYED = "idempotent-replayed"


def keyed(server: ServerThread, method: str, path: str, body: object, key: str) -> Answer:
    return server.send_json(method, path, body, {"Idempotency-Key": key})


def runs(server: ServerThread, pipeline: str) -> int:
    count: int = server.ask("GET", pipeline).json["runs"]
    return count


def test_same_request_gets_the_same_answer_and_starts_one_run(server: ServerThread, pipeline: str) -> None:
    before = runs(server, pipeline)
    first = keyed(server, "POST", f"{pipeline}/runs", {}, "one")
    again = keyed(server, "POST", f"{pipeline}/runs", {}, "one")
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    assert runs(server, pipeline) == before + 1


def test_many_at_once_start_one_run(server: ServerThread, pipeline: str) -> None:
    before = runs(server, pipeline)
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(keyed(server, "POST", f"{pipeline}/runs", {}, "many")))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 20
    assert len({answer.body for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert runs(server, pipeline) == before + 1


def test_key_of_another_request_is_refused(server: ServerThread, pipeline: str) -> None:
    assert keyed(server, "POST", f"{pipeline}/runs", {}, "other").status == 201
    before = runs(server, pipeline)
    for path, body in ((f"{pipeline}/runs", {"version": 1}), (NAMESPACES, {"id": "other"})):
        answer = keyed(server, "POST", path, body, "other")
        assert answer.status == 422
        assert "new key" in answer.problem["hint"]
    assert runs(server, pipeline) == before


def test_refused_request_may_be_sent_again_with_its_key(server: ServerThread) -> None:
    path = f"{NAMESPACES}/default/pipelines/late/runs"
    assert keyed(server, "POST", path, {}, "late").status == 404
    server.api.register({"id": "late", "tasks": [{"id": "one", "image": "fake"}]})
    assert keyed(server, "POST", path, {}, "late").status == 201


def test_answer_stays_when_the_state_has_changed(server: ServerThread) -> None:
    server.api.register({"id": "fickle", "tasks": [{"id": "one", "image": "fake"}]})
    path = f"{NAMESPACES}/default/pipelines/fickle"
    first = keyed(server, "POST", f"{path}/runs", {}, "fickle")
    assert server.send_json("PATCH", path, {"enabled": False}).status == 200
    assert server.send_json("POST", f"{path}/runs", {}).status == 409
    assert keyed(server, "POST", f"{path}/runs", {}, "fickle").body == first.body


def test_every_kind_of_write_takes_a_key(server: ServerThread, pipeline: str) -> None:
    manifest = {"id": "keyed", "tasks": [{"id": "one", "image": "fake"}]}
    writes: list[tuple[str, str, object, int]] = [
        ("POST", NAMESPACES, {"id": "keyed"}, 201),
        ("PATCH", f"{NAMESPACES}/keyed", {"name": "Keyed"}, 200),
        ("DELETE", f"{NAMESPACES}/keyed", {}, 204),
        ("POST", f"{NAMESPACES}/default/pipelines", manifest, 201),
        ("PATCH", f"{NAMESPACES}/default/pipelines/keyed", {"enabled": False}, 200),
        ("POST", f"{NAMESPACES}/default/pipelines/keyed/runs/cancel", {}, 200),
        ("DELETE", f"{NAMESPACES}/default/pipelines/keyed", {}, 204),
    ]
    for number, (method, path, body, status) in enumerate(writes):
        first = keyed(server, method, path, body, f"kind-{number}")
        again = keyed(server, method, path, body, f"kind-{number}")
        assert (first.status, again.status, again.body) == (status, status, first.body), path
        assert again.headers[REPLAYED] == "true", path


def test_replay_in_another_format(server: ServerThread, pipeline: str) -> None:
    first = keyed(server, "POST", f"{pipeline}/runs", {}, "format")
    headers = {"Idempotency-Key": "format", "Content-Type": "application/json", "Accept": "application/msgpack"}
    again = server.ask("POST", f"{pipeline}/runs", b"{}", headers)
    assert msgspec.msgpack.decode(again.body) == first.json


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "sp ace", "sp\tace", "ä"])
def test_impossible_keys(server: ServerThread, pipeline: str, key: str) -> None:
    before = runs(server, pipeline)
    head = f"POST {pipeline}/runs HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\nContent-Length: 0\r\n\r\n"
    answer = server.send_raw(head.encode("latin-1"), "POST")
    assert answer.status == 400
    assert answer.problem["hint"]
    assert runs(server, pipeline) == before


def test_key_means_nothing_where_nothing_is_changed(server: ServerThread) -> None:
    manifest = {"id": "free", "tasks": [{"id": "one", "image": "fake"}]}
    for body in (manifest, {**manifest, "name": "Other"}):
        answer = keyed(server, "POST", "/api/v1/manifests/validate", body, "free")
        assert (answer.status, REPLAYED in answer.headers) == (200, False)
    assert server.ask("GET", NAMESPACES, headers={"Idempotency-Key": "free"}).status == 200


def test_answer_outlives_the_server(tmp_path: Path) -> None:
    answers = []
    for life in range(2):
        server = ServerThread(tmp_path)
        server.start()
        try:
            if life == 0:
                server.api.register({"id": "plain", "tasks": [{"id": "one", "image": "fake"}]})
            path = f"{NAMESPACES}/default/pipelines/plain"
            answers.append(keyed(server, "POST", f"{path}/runs", {}, "lives"))
            assert runs(server, path) == 1
        finally:
            server.stop()
    assert answers[0].body == answers[1].body


def test_answer_is_stored_with_its_effect_or_not_at_all(server: ServerThread, pipeline: str) -> None:
    """The second statement of the transaction fails: there is neither a run nor an answer."""
    before = runs(server, pipeline)
    refuse = "CREATE TRIGGER no_answers BEFORE INSERT ON idempotency BEGIN SELECT RAISE(ABORT, 'refused'); END"
    server.in_loop(lambda: server.services.database.write(lambda tx: tx.execute(refuse)))
    try:
        assert keyed(server, "POST", f"{pipeline}/runs", {}, "atomic").status == 500
        assert runs(server, pipeline) == before
    finally:
        server.in_loop(lambda: server.services.database.write(lambda tx: tx.execute("DROP TRIGGER no_answers")))
    assert keyed(server, "POST", f"{pipeline}/runs", {}, "atomic").status == 201
    assert runs(server, pipeline) == before + 1
