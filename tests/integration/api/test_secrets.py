"""Secrets over HTTP."""

from __future__ import annotations

import getpass
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gofer.server.own_log import set_level
from tests.integration.api.server import Answer, ServerThread

VALUE = "hunter2-✓-correct horse"
NEEDLES = (b"hunter2", b"correct horse", b"aHVudGVyM")
GLOBAL = "/api/v1/secrets"


@pytest.fixture
def secrets(pipeline: str) -> str:
    return f"{pipeline}/secrets"


def put(server: ServerThread, path: str, value: str = VALUE, **more: Any) -> Answer:
    return server.send_json("PUT", path, {"value": value, **more})


def reveal(server: ServerThread, path: str) -> str:
    answer = server.send_json("POST", f"{path}/reveal", {})
    assert answer.status == 200, answer
    value: str = answer.json["value"]
    return value


def newest(server: ServerThread, kind: str) -> Any:
    return server.ask("GET", f"/api/v1/events?newest_first=true&limit=1&kind={kind}").json["items"][0]


def register(server: ServerThread, name: str) -> str:
    server.api.register({"id": name, "tasks": [{"id": "one", "image": "fake", "command": ["say", "hello"]}]})
    return f"/api/v1/namespaces/default/pipelines/{name}"


def test_the_life_of_a_secret(server: ServerThread, secrets: str) -> None:
    first = put(server, f"{secrets}/life")
    assert (first.status, first.json["created"], first.json["warnings"]) == (201, True, [])
    again = put(server, f"{secrets}/life", "another value")
    assert (again.status, again.json["created"]) == (200, False)
    found = server.ask("GET", f"{secrets}/life").json
    assert found == again.json["secret"]
    assert found.keys() == {"key", "namespace", "pipeline", "created_at", "modified_at", "created_by", "modified_by"}
    assert found["created_at"] == first.json["secret"]["created_at"] <= found["modified_at"]
    assert reveal(server, f"{secrets}/life") == "another value"
    assert server.ask("DELETE", f"{secrets}/life").status == 204
    for method, path in (("GET", "life"), ("DELETE", "life"), ("POST", "life/reveal")):
        answer = server.ask(method, f"{secrets}/{path}")
        assert answer.status == 404
        assert "gofer secret list" in answer.problem["hint"]


def test_who_did_it_is_known_of_a_program_on_this_machine(server: ServerThread, secrets: str) -> None:
    who = f"user {getpass.getuser()}"
    request = {"X-Request-Id": "who-did-it"}
    answer = server.send_json("PUT", f"{secrets}/who", {"value": VALUE}, request)
    assert answer.json["secret"]["created_by"] == who
    event = newest(server, "secret.put")
    assert event["data"] == {"key": "who", "created": True, "by": who, "correlation_id": "who-did-it"}
    assert (event["namespace"], event["pipeline"]) == ("default", "plain")
    server.send_json("POST", f"{secrets}/who/reveal", {}, request)
    assert newest(server, "secret.revealed")["data"] == {"key": "who", "by": who, "correlation_id": "who-did-it"}
    server.ask("DELETE", f"{secrets}/who", headers=request)
    assert newest(server, "secret.deleted")["data"] == {"key": "who", "by": who, "correlation_id": "who-did-it"}


def test_lists_have_pages_and_no_values(server: ServerThread) -> None:
    secrets = register(server, "listed") + "/secrets"
    for key in "bca":
        put(server, f"{secrets}/{key}")
    page = server.ask("GET", f"{secrets}?limit=2")
    assert [one["key"] for one in page.json["items"]] == ["a", "b"]
    rest = server.ask("GET", f"{secrets}?limit=2&cursor={page.json['next']}")
    assert ([one["key"] for one in rest.json["items"]], rest.json["next"]) == (["c"], None)
    assert not any(needle in page.body + rest.body for needle in NEEDLES)


def test_what_is_not_there(server: ServerThread) -> None:
    for path in ("namespaces/nope/pipelines/p/secrets", "namespaces/default/pipelines/nope/secrets"):
        for answer in (server.ask("GET", f"/api/v1/{path}"), put(server, f"/api/v1/{path}/key")):
            assert answer.status == 404
            assert "nope" in answer.problem["detail"]


@pytest.mark.parametrize("value", ["", "a\0b", "x" * 65_537, "ü" * 32_769])
def test_a_value_that_cannot_be_is_refused_without_being_told(server: ServerThread, secrets: str, value: str) -> None:
    answer = put(server, f"{secrets}/bad", value)
    assert answer.status == 422
    assert answer.problem["problems"][0]["place"] == "value"
    assert not value or value.encode() not in answer.body
    assert server.ask("GET", f"{secrets}/bad").status == 404


def test_half_a_character_is_refused(server: ServerThread, secrets: str) -> None:
    answer = server.ask("PUT", f"{secrets}/bad", b'{"value": "\\ud800 hunter2"}', {"Content-Type": "application/json"})
    assert answer.status in (400, 422)
    assert b"hunter2" not in answer.body


@pytest.mark.parametrize(
    "body", [b'"hunter2"', b"hunter2", b'{"value": ["hunter2"]}', b'{"valeu": "hunter2"}', b'{"value": 7}']
)
def test_a_body_that_is_wrong_is_not_told(server: ServerThread, secrets: str, body: bytes) -> None:
    answer = server.ask("PUT", f"{secrets}/bad", body, {"Content-Type": "application/json"})
    assert answer.status in (400, 422)
    assert answer.problem["detail"]
    assert b"hunter2" not in answer.body


def test_the_largest_and_the_smallest(server: ServerThread, secrets: str) -> None:
    assert put(server, f"{secrets}/large", "x" * 65_536).json["warnings"] == []
    assert len(reveal(server, f"{secrets}/large")) == 65_536
    for short in ("x", "abc", "a\nb\n", "   "):
        assert "4 characters" in put(server, f"{secrets}/short", short).json["warnings"][0]
        assert reveal(server, f"{secrets}/short") == short


def test_a_key_must_be_an_id(server: ServerThread, secrets: str) -> None:
    for key in ("-x", "x" * 65, "a.b", "%20"):
        assert put(server, f"{secrets}/{key}").status == 422


def test_global_ones_name_who_may_use_them(server: ServerThread) -> None:
    for wrong in ([], ["*", "default"], ["no id"], ["x"] * 201):
        assert put(server, f"{GLOBAL}/shared", namespaces=wrong).problem["problems"][0]["place"] == "namespaces"
    assert put(server, f"{GLOBAL}/shared").status == 404
    made = put(server, f"{GLOBAL}/shared", namespaces=["team-b", "default", "team-b"])
    assert (made.status, made.json["secret"]["namespaces"]) == (201, ["default", "team-b"])
    assert newest(server, "secret.put")["data"]["namespaces"] == ["default", "team-b"]
    kept = put(server, f"{GLOBAL}/shared", "new value")
    assert (kept.status, kept.json["secret"]["namespaces"]) == (200, ["default", "team-b"])
    assert reveal(server, f"{GLOBAL}/shared") == "new value"
    assert put(server, f"{GLOBAL}/shared", namespaces=["*"]).json["secret"]["namespaces"] == ["*"]
    assert [one["key"] for one in server.ask("GET", GLOBAL).json["items"]] == ["shared"]
    assert server.ask("GET", f"{GLOBAL}/shared").json["key"] == "shared"
    assert server.ask("DELETE", f"{GLOBAL}/shared").status == 204
    assert server.ask("GET", f"{GLOBAL}/shared").status == 404
    assert server.send_json("POST", f"{GLOBAL}/shared/reveal", {}).status == 404


def test_namespaces_are_for_global_ones_alone(server: ServerThread, secrets: str) -> None:
    assert put(server, f"{secrets}/own", namespaces=["*"]).status == 422


def test_a_revealed_value_is_never_kept(server: ServerThread, secrets: str) -> None:
    put(server, f"{secrets}/shown")
    answer = server.send_json("POST", f"{secrets}/shown/reveal", {})
    assert answer.headers["cache-control"] == "no-store"
    assert server.ask("GET", f"{secrets}/shown/reveal").status == 405


def test_a_later_pipeline_of_the_same_name_inherits_nothing(server: ServerThread) -> None:
    one = register(server, "heir")
    put(server, f"{one}/secrets/key")
    assert server.ask("DELETE", one).status == 204
    register(server, "heir")
    assert server.ask("GET", f"{one}/secrets").json["items"] == []
    assert put(server, f"{one}/secrets/key", "of the heir").status == 201
    assert reveal(server, f"{one}/secrets/key") == "of the heir"


def test_nothing_is_kept_for_an_idempotency_key(server: ServerThread, secrets: str) -> None:
    key = {"Idempotency-Key": "secret-put"}
    for expected in (201, 200):
        answer = server.send_json("PUT", f"{secrets}/keyed", {"value": VALUE}, key)
        assert (answer.status, "idempotent-replayed" in answer.headers) == (expected, False)
    for _ in range(2):
        answer = server.send_json("POST", f"{secrets}/keyed/reveal", {}, {"Idempotency-Key": "secret-reveal"})
        assert (answer.json["value"], "idempotent-replayed" in answer.headers) == (VALUE, False)

    def kept(connection: Any) -> int:
        sql = "SELECT count(*) FROM idempotency WHERE key LIKE 'secret-%'"
        number: int = connection.execute(sql).fetchone()[0]
        return number

    assert server.in_loop(lambda: server.services.database.read(kept)) == 0


def test_rotation(server: ServerThread, secrets: str) -> None:
    put(server, f"{secrets}/rotated")
    answer = server.send_json("POST", "/api/v1/system/secrets/rotate-key", {})
    assert (answer.status, answer.json["rotated"], answer.json["damaged"]) == (200, 0, 0)
    assert answer.json["total"] >= 1
    assert newest(server, "secrets.rotated")["data"]["total"] == answer.json["total"]


@pytest.fixture
def talking(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[ServerThread]:
    """A server of its own that says all it can."""
    server = ServerThread(tmp_path)
    server.start()
    set_level("debug")
    yield server
    set_level("info")
    server.stop()


def test_a_value_is_nowhere_but_in_the_answer_to_who_asks_for_it(
    talking: ServerThread, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    own = register(talking, "quiet") + "/secrets/key"
    told = b""
    for path, more in ((own, {}), (f"{GLOBAL}/key", {"namespaces": ["*"]})):
        for value in (VALUE, VALUE + " 2"):
            told += put(talking, path, value, **more).body
        assert reveal(talking, path) == VALUE + " 2"
        told += talking.ask("GET", path).body
        told += talking.ask("GET", path.removesuffix("/key")).body
        told += put(talking, path, VALUE + "\0", **more).body
        told += talking.ask("DELETE", path).body
        told += put(talking, path, VALUE, **more).body
    told += talking.send_json("POST", "/api/v1/system/secrets/rotate-key", {}).body
    for path in ("events?limit=1000", "system/settings", "system/logs?level=debug", "system/info", "system/checks"):
        told += talking.ask("GET", f"/api/v1/{path}").body
    told += talking.ask("GET", "/metrics").body
    out, err = capfd.readouterr()
    told += out.encode() + err.encode()
    assert not [needle for needle in NEEDLES if needle in told]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"gofer.db", "gofer.db-wal", "secrets.db", "secrets.db-wal"} <= {path.name for path in files}
    for file in files:
        assert not [needle for needle in NEEDLES if needle in file.read_bytes()], file
    assert (tmp_path / "secrets.db").stat().st_mode & 0o077 == 0
    talking.settle()


def test_two_rows_that_changed_places_do_not_decrypt(talking: ServerThread, tmp_path: Path) -> None:
    own = register(talking, "moved") + "/secrets"
    for key in ("one", "two"):
        put(talking, f"{own}/{key}", f"value of {key}")
    with sqlite3.connect(tmp_path / "secrets.db") as file:
        found = dict(file.execute("SELECT name, key FROM secrets"))
        sql = "SELECT nonce, ciphertext FROM secrets WHERE key = ?"
        one, two = (file.execute(sql, (found[name],)).fetchone() for name in ("one", "two"))
        file.execute("UPDATE secrets SET nonce = ?, ciphertext = ? WHERE key = ?", (*one, found["two"]))
        file.execute("UPDATE secrets SET nonce = ?, ciphertext = ? WHERE key = ?", (*two, found["one"]))
    file.close()
    for key in ("one", "two"):
        answer = talking.send_json("POST", f"{own}/{key}/reveal", {})
        assert (answer.status, answer.problem["title"]) == (500, "Damaged secret")
        assert key in answer.problem["detail"]
        assert b"value of" not in answer.body
    assert put(talking, f"{own}/one", "whole again").status == 200
    assert reveal(talking, f"{own}/one") == "whole again"
    talking.settle()


def test_registering_tells_which_secrets_are_not_set(server: ServerThread) -> None:
    variables = {"A": "secret{{mine}} secret{{mine}}", "B": "global_secret{{everybodys}} global_secret{{others}}"}
    one = {"id": "one", "image": "fake", "variables": variables, "registry": {"user": "u", "password_secret": "word"}}
    put(server, f"{GLOBAL}/others", namespaces=["elsewhere"])
    manifest = {"id": "names-secrets", "tasks": [one]}
    path = "/api/v1/namespaces/default/pipelines"
    assert server.send_json("POST", path, manifest).json["warnings"] == [
        "secret{{mine}} is not set yet: gofer secret put mine --pipeline names-secrets --namespace default",
        "global_secret{{everybodys}} is not set yet: gofer secret put everybodys --global --namespaces default",
        "global_secret{{others}} is not set yet: gofer secret put others --global --namespaces default",
        "secret{{word}} is not set yet: gofer secret put word --pipeline names-secrets --namespace default",
    ]
    put(server, f"{path}/names-secrets/secrets/mine")
    put(server, f"{path}/names-secrets/secrets/word")
    put(server, f"{GLOBAL}/everybodys", namespaces=["*"])
    put(server, f"{GLOBAL}/others", namespaces=["default", "elsewhere"])
    assert server.send_json("POST", path, manifest).json["warnings"] == []


def test_a_namespace_that_there_is_none_of_is_told(server: ServerThread) -> None:
    path = f"{GLOBAL}/for-somebody"
    assert put(server, path, namespaces=["*"]).json["warnings"] == []
    assert put(server, path, namespaces=["default", "defualt"]).json["warnings"] == [
        'There is no namespace "defualt" yet.'
    ]
