"""One id leads from a request to its answer, its run, the run's events and the lines of the server's own log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from gofer.models.ids import is_correlation_id
from tests.integration.api.server import ServerThread
from tests.support.server import ServerProcess


def given(request_id: str) -> dict[str, str]:
    return {"X-Request-Id": request_id}


def test_every_answer_has_an_id_of_its_own(server: ServerThread, pipeline: str) -> None:
    paths = ("/healthz", "/readyz", "/metrics", "/api/docs", "/api/openapi.json", pipeline, "/nothing", "//")
    ids = [server.ask("GET", path).headers["x-request-id"] for path in paths]
    assert all(is_correlation_id(one) for one in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("good", ["a", "550e8400-e29b-41d4-a716-446655440000", "Root:1.x_y", "9" * 128])
def test_the_callers_id_is_taken(server: ServerThread, good: str) -> None:
    assert server.ask("GET", "/healthz", headers=given(good)).headers["x-request-id"] == good


@pytest.mark.parametrize("bad", ["", "-a", "a b", 'a"', "9" * 129, "é", "a\tb", "<script>", "a=b"])
def test_a_malformed_id_is_not(server: ServerThread, bad: str) -> None:
    made = server.ask("GET", "/healthz", headers={"X-Request-Id": bad.encode("latin-1")}).headers["x-request-id"]  # type: ignore[dict-item]
    assert made != bad
    assert is_correlation_id(made)


def test_a_problem_says_it_too(server: ServerThread) -> None:
    for path, headers in (("/nothing", {}), ("/healthz", {"Host": "evil.example"})):
        answer = server.ask("GET", path, headers={**given("mine"), **headers})
        assert answer.status >= 400
        assert answer.problem["request_id"] == answer.headers["x-request-id"] == "mine"


def test_a_websocket_has_one(server: ServerThread) -> None:
    with connect(f"{server.websocket_address}/api/v1/events/stream", additional_headers=given("ws-1")) as opened:
        assert opened.response is not None
        assert opened.response.headers["X-Request-Id"] == "ws-1"


def test_a_run_keeps_it_and_is_found_by_it(server: ServerThread, pipeline: str) -> None:
    started = server.send_json("POST", f"{pipeline}/runs", {}, given("nightly-42")).json
    other = server.send_json("POST", f"{pipeline}/runs", {}).json
    assert started["correlation_id"] == "nightly-42"
    assert is_correlation_id(other["correlation_id"])
    ended = server.api.ended("plain", started["id"])
    assert ended["correlation_id"] == "nightly-42"
    server.api.ended("plain", other["id"])
    retried = server.send_json("POST", f"{pipeline}/runs/{started['id']}/retry", {}, given("again")).json
    assert retried["correlation_id"] == "again"
    server.api.ended("plain", retried["id"])
    for lists in (f"{pipeline}/runs", "/api/v1/namespaces/default/runs"):
        found = server.ask("GET", f"{lists}?correlation_id=nightly-42").json
        assert [one["id"] for one in found["items"]] == [started["id"]]
        assert server.ask("GET", f"{lists}?correlation_id=nightly-42&status=failed").json["items"] == []
        assert server.ask("GET", f"{lists}?correlation_id=nobody").json["items"] == []
    assert server.ask("GET", "/api/v1/namespaces/default/pipelines/none/runs?correlation_id=x").status == 404


def test_runs_of_one_id_are_paged(server: ServerThread, pipeline: str) -> None:
    numbers = [server.send_json("POST", f"{pipeline}/runs", {}, given("batch")).json["id"] for _ in range(5)]
    for lists in (f"{pipeline}/runs", "/api/v1/namespaces/default/runs"):
        found: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            page = server.ask("GET", f"{lists}?correlation_id=batch&limit=2{cursor and f'&cursor={cursor}'}").json
            found += [one["id"] for one in page["items"]]
            cursor = page.get("next")
        assert found == numbers[::-1]


def test_the_runs_own_events_tell_it(server: ServerThread, pipeline: str) -> None:
    run = server.send_json("POST", f"{pipeline}/runs", {}, given("told")).json["id"]
    server.api.ended("plain", run)
    events = server.api.get("events", namespace="default", pipeline="plain", run=run)["items"]
    told = {event["kind"]: event.get("data", {}).get("correlation_id") for event in events}
    assert {kind: one for kind, one in told.items() if kind.startswith("run.")} == dict.fromkeys(
        ("run.queued", "run.started", "run.ended"), "told"
    )


def lines_of(process: ServerProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (process.home / "server.log").read_text().splitlines() if line[:1] == "{"]


def test_the_own_log_has_it_in_every_line_of_request_and_run_after_a_crash_too(tmp_path: Path) -> None:
    """Whoever holds the door open for a run, its lines are its own."""
    environ = {"GOFER_LOG_LEVEL": "debug", "GOFER_LOG_FORMAT": "json"}
    process = ServerProcess(tmp_path, "process", environ)
    api = process.start()
    task = {
        "id": "one",
        "image": "busybox:stable",
        "command": ["sh", "-c", "sleep 1; exit 3"],
        "retries": {"count": 1, "backoff": "1ms"},
    }
    api.register({"id": "slow", "parallelism": {"limit": 1}, "tasks": [task]})
    path = "/api/v1/namespaces/default/pipelines/slow/runs"
    for one in ("first", "second"):
        assert api.call("POST", path, {}, given(one))[0] == 201
    api.until("taskrun.running", "slow", 1, "one")
    process.kill()
    api = process.start()
    try:
        for run in (1, 2):
            assert api.ended("slow", run)["status"] == "failed"
    finally:
        process.stop()
    found = lines_of(process)
    requests = {one["correlation_id"]: one for one in found if one["event"] == "request" and one["method"] == "POST"}
    assert requests["first"]["status"] == "201"
    assert requests["first"]["path"] == requests["second"]["path"] == path
    for number, one in ((1, "first"), (2, "second")):
        of_run = [line for line in found if line.get("run") == f"default/slow/{number}"]
        assert {line["correlation_id"] for line in of_run} == {one}
        assert {"run began", "run ended", "attempt ended"} <= {line["event"] for line in of_run}
