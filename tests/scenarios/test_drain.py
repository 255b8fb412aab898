"""No new runs: those that run end, queued ones wait, over a restart too, until the door is opened again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.server import Api, ServerProcess

INGRESS = "/api/v1/system/ingress"
RUNS = "/api/v1/namespaces/default/pipelines/slow/runs"


def set_open(api: Api, wanted: bool) -> int:
    return api.call("PUT", INGRESS, {"open": wanted})[0]


def test_draining_over_a_crash(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    server = ServerProcess(tmp_path, "process")
    api = server.start()
    try:
        task = {"id": "one", "image": "busybox:stable", "script": f"[ $GOFER_RUN_ID != 1 ] || cat {gate}"}
        api.register({"id": "slow", "parallelism": {"limit": 1}, "tasks": [task]})
        first, second, third = api.start("slow"), api.start("slow"), api.start("slow")
        api.until("taskrun.running", "slow", first, "one")
        assert set_open(api, False) == 200
        status, refused = api.call("POST", RUNS, {})
        assert (status, refused["title"]) == (503, "No new runs now")
        assert "toggle-event-ingress --open" in refused["hint"]
        ready, health = api.call("GET", "/readyz")
        assert (ready, health["status"], len(health["problems"])) == (503, "draining", 1)
        server.kill()
        api = server.start()
        assert api.get("system/info")["ingress"]["open"] is False
        gate.write_text("go\n")
        assert api.ended("slow", first)["status"] == "successful"
        assert api.call("POST", f"{RUNS}/{first}/retry", {})[0] == 503
        assert [api.run("slow", run)["status"] for run in (second, third)] == ["queued", "queued"]
        # One that waits can still be cancelled.
        assert api.call("POST", f"{RUNS}/{third}/cancel")[0] == 202
        assert api.ended("slow", third)["status"] == "cancelled"
        assert api.run("slow", second)["status"] == "queued"
        checks = {check["name"]: check for check in api.get("system/checks")}
        assert checks["new runs"]["level"] == "warning"
        assert set_open(api, True) == 200
        assert api.ended("slow", second)["status"] == "successful"
        assert api.call("POST", RUNS, {})[0] == 201
        assert api.call("GET", "/readyz")[0] == 200
        kinds = [event["kind"] for event in api.get("events", kind="ingress.*")["items"]]
        assert kinds == ["ingress.closed", "ingress.opened"]
    finally:
        server.stop()


def test_the_setting_closes_it_for_all(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "process", {"GOFER_IGNORE_PIPELINE_RUN_EVENTS": "true"})
    api = server.start()
    try:
        api.register({"id": "slow", "tasks": [{"id": "one", "image": "busybox:stable", "command": ["true"]}]})
        status, refused = api.call("POST", RUNS, {})
        assert (status, "ignore_pipeline_run_events" in refused["hint"]) == (503, True)
        assert set_open(api, True) == 409
        assert api.get("system/ingress") == {"open": False, "by_setting": True, "closed_at": None}
    finally:
        server.stop()


@pytest.mark.parametrize("again", [True, False])
def test_saying_it_twice_changes_nothing(tmp_path: Path, again: bool) -> None:
    server = ServerProcess(tmp_path, "process")
    api = server.start()
    try:
        for wanted in (not again, again, again):
            assert set_open(api, wanted) == 200
        events = api.get("events", kind="ingress.*")["items"]
        assert len(events) == (2 if again else 1)
    finally:
        server.stop()


def test_a_reload_closes_and_opens_it(tmp_path: Path) -> None:
    file = tmp_path / "gofer.hcl"
    file.write_text("ignore_pipeline_run_events = false\n")
    server = ServerProcess(tmp_path, "process", {"GOFER_CONFIG_PATH": str(file)})
    api = server.start()
    try:
        for closed in (True, False):
            file.write_text(f"ignore_pipeline_run_events = {str(closed).lower()}\n")
            found = {check["name"]: check for check in api.get("system/checks")}["settings"]
            assert (found["level"], "ignore_pipeline_run_events" in found["message"]) == ("warning", True)
            assert api.post("system/reload")["applied"] == ["ignore_pipeline_run_events"]
            assert api.get("system/ingress")["open"] is not closed
            kind = "ingress.closed" if closed else "ingress.opened"
            event = next(event for event in api.events(kind=kind))
            assert event["data"] == {"by": "setting"}
        found = {check["name"]: check for check in api.get("system/checks")}["settings"]
        assert found["level"] == "ok"
    finally:
        server.stop()
