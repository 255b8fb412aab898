"""Each noun's way through the API, good and bad."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.server import ServerThread

NAMESPACES = "/api/v1/namespaces"
PIPELINES = f"{NAMESPACES}/default/pipelines"
MANIFEST: dict[str, Any] = {"id": "nouns", "tasks": [{"id": "one", "image": "fake", "command": ["say", "hello"]}]}


def test_life_of_a_namespace(server: ServerThread) -> None:
    made = server.send_json("POST", NAMESPACES, {"id": "life", "name": "Life"})
    assert (made.status, made.json["name"], made.json["description"]) == (201, "Life", "")
    assert server.send_json("POST", NAMESPACES, {"id": "life"}).status == 409
    changed = server.send_json("PATCH", f"{NAMESPACES}/life", {"description": "New"})
    assert (changed.json["name"], changed.json["description"]) == ("Life", "New")
    assert server.ask("GET", f"{NAMESPACES}/life").json == changed.json
    assert server.ask("DELETE", f"{NAMESPACES}/life").status == 204
    assert server.ask("GET", f"{NAMESPACES}/life").status == 404


def test_namespace_that_is_needed_stays(server: ServerThread) -> None:
    server.api.post("namespaces", {"id": "full"})
    assert server.send_json("POST", f"{NAMESPACES}/full/pipelines", MANIFEST).status == 201
    for namespace in ("full", "default"):
        answer = server.ask("DELETE", f"{NAMESPACES}/{namespace}")
        assert answer.status == 409
        assert answer.problem["hint"]


def test_registering(server: ServerThread) -> None:
    first = server.send_json("POST", PIPELINES, MANIFEST)
    same = server.send_json("POST", PIPELINES, MANIFEST)
    other = server.send_json("POST", PIPELINES, {**MANIFEST, "name": "Nouns"})
    assert [a.status for a in (first, same, other)] == [201, 200, 200]
    assert [(a.json["version"], a.json["created"], a.json["changed"]) for a in (first, same, other)] == [
        (1, True, True),
        (1, False, False),
        (2, False, True),
    ]
    assert first.json["hash"] == same.json["hash"] != other.json["hash"]


def test_versions(server: ServerThread) -> None:
    for name in ("", "Two"):
        server.send_json("POST", PIPELINES, {**MANIFEST, "id": "versions", "name": name})
    first = server.ask("GET", f"{PIPELINES}/versions/versions/1").json
    assert first["manifest"]["tasks"][0]["image"] == "fake"
    assert server.ask("GET", f"{PIPELINES}/versions/versions/3").status == 404
    assert server.ask("GET", f"{PIPELINES}/versions").json["version"] == 2


def test_bad_manifest_tells_every_problem(server: ServerThread) -> None:
    before = server.services.bus.last_seq
    bad = {"id": "bad", "tasks": [{"id": "a", "image": "x", "depends_on": [{"task": "b"}]}, {"id": "a b", "image": ""}]}
    registered = server.send_json("POST", PIPELINES, bad)
    checked = server.send_json("POST", "/api/v1/manifests/validate", bad)
    assert (registered.status, checked.status) == (422, 200)
    assert len(checked.json["problems"]) >= 3
    assert registered.problem["problems"] == checked.json["problems"]
    assert server.send_json("POST", "/api/v1/manifests/graph", bad).status == 422
    assert server.services.bus.last_seq == before


def test_good_manifest_has_no_problems(server: ServerThread) -> None:
    assert server.send_json("POST", "/api/v1/manifests/validate", MANIFEST).json == {"problems": []}


@pytest.mark.parametrize(
    ("form", "content", "mark"),
    [("text", "text/plain", b"one"), ("mermaid", "text/vnd.mermaid", b"one"), ("svg", "image/svg+xml", b"<svg")],
)
def test_graphs(server: ServerThread, form: str, content: str, mark: bytes) -> None:
    server.api.register({**MANIFEST, "id": "graphs"})
    stored = server.ask("GET", f"{PIPELINES}/graphs/graph?format={form}&version=1")
    sent = server.send_json("POST", f"/api/v1/manifests/graph?format={form}", {**MANIFEST, "id": "graphs"})
    assert stored.body == sent.body
    assert mark in stored.body
    assert stored.headers["content-type"].startswith(content)
    assert server.ask("GET", f"{PIPELINES}/graphs/graph?format=png").status == 422


def test_disabled_pipeline_starts_nothing(server: ServerThread) -> None:
    server.api.register({**MANIFEST, "id": "off"})
    assert server.send_json("PATCH", f"{PIPELINES}/off", {"enabled": False}).json["enabled"] is False
    answer = server.ask("POST", f"{PIPELINES}/off/runs")
    assert (answer.status, answer.problem["title"]) == (409, "Conflict")
    assert server.send_json("PATCH", f"{PIPELINES}/off", {"enabled": True}).status == 200
    assert server.ask("POST", f"{PIPELINES}/off/runs").status == 201


def test_parameters_of_a_run(server: ServerThread) -> None:
    parameters = [{"name": "count", "type": "integer", "default": 1}, {"name": "who", "required": True}]
    server.api.register({**MANIFEST, "id": "params", "parameters": parameters})
    good = server.send_json("POST", f"{PIPELINES}/params/runs", {"parameters": {"who": "me", "count": "7"}})
    assert good.json["parameters"] == {"count": 7, "who": "me"}
    bad = server.send_json("POST", f"{PIPELINES}/params/runs", {"parameters": {"count": "x", "hwo": "me"}})
    assert bad.status == 422
    assert len(bad.problem["problems"]) == 3


def test_start_without_a_body(server: ServerThread, pipeline: str) -> None:
    assert server.ask("POST", f"{pipeline}/runs").json["version"] == 1


def test_start_of_a_version_that_is_not_there(server: ServerThread, pipeline: str) -> None:
    before = server.ask("GET", pipeline).json["runs"]
    assert server.send_json("POST", f"{pipeline}/runs", {"version": 9}).status == 404
    assert server.ask("GET", pipeline).json["runs"] == before


def test_life_of_a_run(server: ServerThread, pipeline: str) -> None:
    number = server.api.start("plain")
    run = server.api.ended("plain", number)
    assert run["status"] == "successful"
    path = f"{pipeline}/runs/{number}"
    assert server.ask("GET", path).json == run
    task = server.ask("GET", f"{path}/tasks/one").json
    assert (task["status"], task["attempts"][0]["number"]) == ("successful", 1)
    # Cancelling what has ended changes nothing.
    assert server.ask("POST", f"{path}/cancel").json["status"] == "successful"
    assert server.ask("POST", f"{path}/tasks/one/cancel").json["status"] == "successful"


def test_retry(server: ServerThread, pipeline: str) -> None:
    number = server.api.start("plain")
    server.api.ended("plain", number)
    answer = server.send_json("POST", f"{pipeline}/runs/{number}/retry", {})
    assert (answer.status, answer.json["retry_of"]) == (201, number)
    refused = server.send_json("POST", f"{pipeline}/runs/{number}/retry", {"from_failed": True})
    assert refused.status == 409
    assert refused.problem["hint"]


def test_deleting_a_pipeline_takes_its_runs_and_logs(server: ServerThread) -> None:
    server.api.register({**MANIFEST, "id": "gone"})
    number = server.api.start("gone")
    server.api.ended("gone", number)
    folder = server.services.logs.root / "default" / "gone"
    assert folder.exists()
    assert server.ask("DELETE", f"{PIPELINES}/gone").status == 204
    assert not folder.exists()
    for path in ("", "/runs", f"/runs/{number}", f"/runs/{number}/tasks/one/log"):
        assert server.ask("GET", f"{PIPELINES}/gone{path}").status == 404


def test_info(server: ServerThread) -> None:
    info = server.ask("GET", "/api/v1/system/info").json
    assert info["address"] == server.services.address
    assert info["engine"]["name"] == "fake"
    assert (info["engine_available"], info["store_fault"]) == (True, "")


def test_statistics(server: ServerThread, pipeline: str) -> None:
    before = server.ask("GET", "/api/v1/system/statistics?span=week").json
    server.api.ended("plain", server.api.start("plain"))
    after = server.ask("GET", "/api/v1/system/statistics?span=week").json
    assert sum(after["successful"]) == sum(before["successful"]) + 1
    lists = [value for value in after.values() if isinstance(value, list)]
    assert {len(value) for value in lists} == {7 * 24}
    assert len(server.ask("GET", "/api/v1/system/statistics").json["at"]) == 96
    assert server.ask("GET", "/api/v1/system/statistics?span=year").status == 422
