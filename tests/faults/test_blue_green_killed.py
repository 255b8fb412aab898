"""The server killed at each step of a blue/green deployment, and started again: every smoke run is started once, and
what they say is done once."""

from __future__ import annotations

import contextlib
import http.client
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess

POINTS = [
    # The first smoke run is stored, and nobody has put it in line; the same with the second.
    "accepted:1",
    "accepted:2",
    # A container has ended, and that is not stored; then it is, and with it what follows.
    "exited:1",
    "exited:2",
    "ended:1",
    "ended:2",
    # In the transaction that makes the version live, or says that it does not become so.
    "decided:1",
]
_PIPELINE = "namespaces/default/pipelines/p"
_ENDS = ("deployment.completed", "deployment.rolled_back")


def manifest(script: str, witness: Path) -> dict[str, Any]:
    script = f'echo "$GOFER_PIPELINE_VERSION $GOFER_RUN_ID" >> "{witness}"\n{script}'
    return {"id": "p", "schema_version": 1, "tasks": [{"id": "a", "image": "busybox:stable", "script": script}]}


def decided(api: Api) -> dict[str, Any]:
    """Waits for the end of deployment 2."""
    for event in api.events(namespace="default", pipeline="p"):
        if event["kind"] in _ENDS and event["data"]["deployment"] == 2:
            return event
    raise AssertionError("the event stream ended before the deployment did")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, tmp_path: Path) -> None:
    _killed_at(point, "exit 0", tmp_path)


def test_killed_while_it_is_rolled_back(tmp_path: Path) -> None:
    _killed_at("decided:1", '[ "$GOFER_RUN_ID" = 1 ]', tmp_path)


def _killed_at(point: str, script: str, home: Path) -> None:
    witness = home / "witness"
    witness.touch()
    server = ServerProcess(home, "process")
    try:
        api = server.start(GOFER_TEST_CRASH_AT=point)
        api.register(manifest("true", witness))
        status, _ = api.call("POST", "namespaces/default/pipelines?deploy=false", manifest(script, witness))
        assert status == 200
        asked = {"strategy": "blue_green", "smoke": 2}
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            api.post(f"{_PIPELINE}/deployments", asked)
        server.died()
        api = server.start()
        event = decided(api)
        works = script == "exit 0"
        assert event["kind"] == ("deployment.completed" if works else "deployment.rolled_back")
        assert event["data"]["figures"] == {"smoke": 2, "runs": [1, 2]}
        assert api.get(_PIPELINE)["version"] == (2 if works else 1)
        runs = api.get(f"{_PIPELINE}/runs")["items"]
        assert [(run["id"], run["version"], run["deployment"]) for run in runs] == [(2, 2, 2), (1, 2, 2)]
        assert Counter(witness.read_text().split("\n")) == {"2 1": 1, "2 2": 1, "": 1}
        last = event["seq"]
        kinds = Counter(e["kind"] for e in _until(api, last))
        assert kinds["run.queued"] == kinds["run.ended"] == 2
        assert kinds["deployment.started"] == 1
        assert kinds["deployment.completed"] + kinds["deployment.rolled_back"] == 2
    finally:
        code = server.stop()
    assert code == 0


def _until(api: Api, seq: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for event in api.events(namespace="default", pipeline="p"):
        found.append(event)
        if event["seq"] == seq:
            return found
    raise AssertionError("the event stream ended")
