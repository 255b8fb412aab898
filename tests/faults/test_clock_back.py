"""The machine's clock is set back by an hour, while Gofer runs and while it is away."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.server import ServerProcess

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def _manifest(gate: Path) -> dict[str, object]:
    first = {"id": "first", "image": "i", "script": f"read go < {gate}", "timeout": "10m"}
    second = {"id": "second", "image": "i", "script": "echo done", "depends_on": [{"task": "first"}]}
    return {"id": "clock", "run_timeout": "30m", "tasks": [first, second]}


def _check_order(run: dict[str, int], tasks: dict[str, dict[str, int]]) -> None:
    assert run["created_at"] <= run["started_at"] <= run["ended_at"]
    for task in tasks.values():
        assert task["queued_at"] <= task["started_at"] <= task["ended_at"]


def test_set_back_while_a_run_is_on_its_way(tmp_path: Path) -> None:
    gate, clock = tmp_path / "gate", tmp_path / "clock"
    subprocess.run(["mkfifo", str(gate)], check=True)
    clock.write_text("+0")
    server = ServerProcess(
        tmp_path,
        "process",
        {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
    )
    try:
        api = server.start()
        api.register(_manifest(gate))
        run = api.start("clock")
        api.until("taskrun.running", "clock", run, "first")
        clock.write_text("-3600")
        gate.write_text("go\n")
        ended = api.ended("clock", run)
        assert ended["status"] == "successful"
        _check_order(ended, api.tasks("clock", run))
        times = [e["at"] for e in api.get("events", limit=200, pipeline="clock", namespace="default")["items"]]
        assert times in (sorted(times), sorted(times, reverse=True))
    finally:
        server.stop()


def test_set_back_while_gofer_is_away(tmp_path: Path) -> None:
    gate, clock = tmp_path / "gate", tmp_path / "clock"
    subprocess.run(["mkfifo", str(gate)], check=True)
    clock.write_text("+0")
    fake = {
        "LD_PRELOAD": LIBRARY,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    server = ServerProcess(tmp_path, "process", fake)
    try:
        api = server.start()
        api.register(_manifest(gate))
        run = api.start("clock")
        api.until("taskrun.running", "clock", run, "first")
        server.kill()
        clock.write_text("-3600")
        api = server.start()
        checks = {check["name"]: check for check in api.get("system/checks")}
        assert checks["clock"]["level"] == "warning"
        assert checks["clock"]["message"].startswith("The machine's clock stepped back by ")
        gate.write_text("go\n")
        # Neither the task's timeout nor the run's is made longer or shorter by it.
        assert api.ended("clock", run)["status"] == "successful"
        second = api.start("clock")
        api.until("taskrun.running", "clock", second, "first")
        gate.write_text("go\n")
        assert api.ended("clock", second)["status"] == "successful"
    finally:
        server.stop()
