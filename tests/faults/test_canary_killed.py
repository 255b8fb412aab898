"""The server killed while a canary is under way: in the midst of its decision, just after it, and while triggers tell
of events at the same instant."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.telling_trigger import EVENTS
from tests.support.server import Api, ServerProcess
from tests.support.until import until

PIPELINE = "namespaces/default/pipelines/p"
PROGRAM = Path(__file__).with_name("telling_trigger.py")


class Home:
    """A server's, and a pipeline `p` with two versions, whose subscriptions are not the same."""

    def __init__(self, home: Path) -> None:
        self.server = ServerProcess(home, "process")
        self.api = self.server.start()
        self.api.post("triggers", {"id": "interval", "image": "builtin:interval"})

    def again(self, crash_at: str = "") -> None:
        """Another life of the server."""
        assert self.server.stop() == 0, self.server.log_text()
        self.api = self.server.start(GOFER_TEST_CRASH_AT=crash_at)

    def back(self) -> None:
        """After it has died."""
        self.server.died()
        self.api = self.server.start()

    def prepare(self, new_exits: int) -> None:
        self.api.register(manifest("old", 0))
        self.api.post("namespaces/default/pipelines?deploy=false", manifest("new", new_exits))

    def canary(self, **settings: object) -> int:
        asked = {"strategy": "canary", "every": 2, "duration_factor": 1000, **settings}
        number: int = self.api.post(f"{PIPELINE}/deployments", asked)["deployment"]["number"]
        return number

    def deployment(self, number: int) -> Any:
        return self.api.get(f"{PIPELINE}/deployments/{number}")

    def ends(self, number: int) -> list[str]:
        """The kinds of the events that tell of a deployment's end."""
        found = self.api.get("events", pipeline="p", namespace="default", kind="deployment.*")["items"]
        kinds = [event["kind"] for event in found if event["data"]["deployment"] == number]
        return [kind for kind in kinds if kind != "deployment.started"]

    def state(self) -> tuple[int, str, list[str]]:
        """The live version, the pipeline's name and the labels of its subscriptions: all of one version."""
        found = self.api.get(PIPELINE)
        labels = [one["label"] for one in self.api.get(f"{PIPELINE}/subscriptions")["items"]]
        return found["version"], found["name"], labels


def manifest(name: str, code: int) -> dict[str, object]:
    hourly = {"label": name, "trigger": "interval", "settings": {"every": "1h"}}
    tasks = [{"id": "t", "image": "i", "command": ["sh", "-c", f"exit {code}"]}]
    return {"id": "p", "name": name, "tasks": tasks, "subscriptions": [hourly]}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    try:
        yield home
        home.api.call("DELETE", "triggers/interval?force=true")
        assert home.server.stop() == 0, home.server.log_text()
    finally:
        home.server.stop()


@pytest.mark.parametrize("new_exits", [0, 1], ids=["promoted", "rolled-back"])
def test_a_decision_is_made_once(new_exits: int, home: Home) -> None:
    home.prepare(new_exits)
    before, after = (1, "old", ["old"]), ((2, "new", ["new"]) if new_exits == 0 else (1, "old", ["old"]))
    # `decided`: nothing of it is on disk. `ended:2`: all of it is, and nobody was told.
    for point in ("decided", "ended:2"):
        number = home.canary(runs=1, version=2)
        home.again(point)
        assert home.state() == before
        first = home.api.start("p")
        home.api.ended("p", first)
        second = home.api.post(f"{PIPELINE}/runs", {})["id"]
        home.back()
        assert home.api.ended("p", second)["version"] == 2
        found = home.deployment(number)
        assert (found["status"], found["assigned"]) == ("rolled_back" if new_exits else "completed", 2)
        assert found["figures"]["new"]["runs"] == found["figures"]["old"]["runs"] == 1
        assert home.ends(number) == [f"deployment.{found['status']}"]
        assert home.state() == after
        if new_exits == 0 and point == "decided":
            home.api.post(f"{PIPELINE}/rollback", {})
            assert home.state() == before


@pytest.mark.parametrize("point", ["accepted:9", "ended:9", "decided"])
def test_events_of_triggers_at_the_same_instant(point: str, home: Home, tmp_path: Path) -> None:
    home.prepare(0)
    number = home.canary(runs=3, every=3, version=2)
    witnesses = [tmp_path / name for name in ("left", "right")]
    for witness in witnesses:
        witness.touch()
        options = {"command": [sys.executable, str(PROGRAM)], "variables": {"WITNESS": str(witness)}}
        home.api.post("triggers", {"id": witness.name, "image": "telling", "options": options})
    home.again(point)
    labels = [f"{witness.name}{n}" for witness in witnesses for n in range(3)]
    _subscribe(home.api, labels)
    home.back()
    _subscribe(home.api, labels)
    wanted = len(labels) * EVENTS
    runs = until(lambda: _all_ended(home.api, wanted), "every event has its run, and they have ended")
    assert len(runs) == wanted
    found = home.deployment(number)
    assert found["status"] == "completed"
    assert home.ends(number) == ["deployment.completed"]
    assert home.state()[:2] == (2, "new")
    # In the order in which they were stored: every third has the new version until it is live, then all have.
    split = [run for run in runs if run.get("deployment") == number]
    assert [run["version"] for run in split] == [2 if n % 3 == 0 else 1 for n in range(1, len(split) + 1)]
    assert len(split) == found["assigned"]
    assert {run["version"] for run in runs[len(split) :]} == {2}
    for witness in witnesses:
        home.api.call("DELETE", f"triggers/{witness.name}?force=true")


def _subscribe(api: Api, labels: list[str]) -> None:
    """Add those that are not there; the server may die meanwhile."""
    for label in labels:
        trigger = label.rstrip("0123456789")
        try:
            status, answer = api.call("POST", f"{PIPELINE}/subscriptions", {"label": label, "trigger": trigger})
        except (http.client.HTTPException, ConnectionError):
            return
        assert status in (201, 409), answer


def _all_ended(api: Api, wanted: int) -> list[Any]:
    runs = api.get(f"{PIPELINE}/runs", limit=100)["items"]
    ended = [run for run in runs if run["status"] == "successful"]
    return sorted(runs, key=lambda run: int(run["id"])) if len(ended) >= wanted else []
