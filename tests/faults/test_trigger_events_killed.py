"""The server killed between a trigger's event and its answer: told again, it starts nothing twice."""

from __future__ import annotations

import contextlib
import http.client
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.telling_trigger import EVENTS
from tests.support.server import Api, ServerProcess
from tests.support.until import until

PROGRAM = Path(__file__).with_name("telling_trigger.py")


@pytest.mark.parametrize("point", ["accepted:1", "fired:1", "fired:4"])
def test_killed_at(point: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.touch()
    server = ServerProcess(tmp_path, "process")
    try:
        api = server.start()
        _install(api, witness)
        assert server.stop() == 0
        api = server.start(GOFER_TEST_CRASH_AT=point)
        until(lambda: _state(api) == "healthy", "the trigger has dialled again")
        _subscribe(api)
        server.died()
        api = server.start()
        answers = until(lambda: _answers(witness), "every event is answered")
        runs = api.get("namespaces/default/pipelines/p/runs", limit=100)["items"]
        events = api.get("triggers/telling/events", limit=100)["items"]
        assert len(runs) == len(events) == EVENTS
        assert {(one["event"], str(one["run"])) for one in events} == {(event, run) for event, _, run, _ in answers}
        # What was on disk when the server died, and nothing else, was known when it was told again.
        known = [event for event, _, _, duplicate in answers if duplicate == "True"]
        assert known == [f"e{int(point.partition(':')[2]) - 1}"]
        assert {run["parameters"]["NUMBER"] for run in runs} == set(range(EVENTS))
        assert {run["initiator"]["name"] for run in runs} == {"telling/all"}
        for run in runs:
            api.ended("p", run["id"])
        (subscription,) = api.get("namespaces/default/pipelines/p/subscriptions")["items"]
        assert (subscription["state"], subscription["last_event"]) == ("active", f"e{EVENTS - 1}")
        api.call("DELETE", "triggers/telling?force=true")
    finally:
        code = server.stop()
    assert code == 0, server.log_text()


def _install(api: Api, witness: Path) -> None:
    options = {"command": [sys.executable, str(PROGRAM)], "variables": {"WITNESS": str(witness)}}
    api.post("triggers", {"id": "telling", "image": "telling", "options": options})
    until(lambda: _state(api) == "healthy", "the trigger is healthy")


def _state(api: Api) -> Any:
    return api.get("triggers/telling")["state"]


def _subscribe(api: Api) -> None:
    manifest = {
        "id": "p",
        "parameters": [{"name": "NUMBER", "type": "integer"}],
        "subscriptions": [{"label": "all", "trigger": "telling"}],
        "tasks": [{"id": "t", "image": "i", "command": ["true"]}],
    }
    with contextlib.suppress(http.client.HTTPException, ConnectionError):  # it may die before it answers
        api.register(manifest)


def _answers(witness: Path) -> list[list[str]]:
    lines = [line.split() for line in witness.read_text().splitlines()]
    return lines if len(lines) == EVENTS else []
