"""The disk under everything Gofer keeps is full, in the middle of a run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import ServerProcess

LINES = 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


def test_said_refused_and_got_over(small_disk: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    subprocess.run(["mkfifo", str(gate)], check=True)
    script = f"read go < {gate}; i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i of the log; done"
    server = ServerProcess(small_disk, "process")
    try:
        api = server.start()
        api.register({"id": "full", "tasks": [{"id": "write", "image": "i", "script": script}]})
        run = api.start("full")
        api.until("taskrun.running", "full", run, "write")
        ballast = _fill(small_disk)
        gate.write_text("go\n")
        status, problem = api.call("POST", "namespaces/default/pipelines/full/runs", {"parameters": {}})
        assert (status, problem["title"]) == (503, "Disk full"), problem
        assert problem["hint"]
        assert api.call("GET", "/readyz")[0] == 503
        # Reading goes on.
        assert api.run("full", run)["status"] == "running"
        ballast.unlink()
        assert api.ended("full", run)["status"] == "successful"
        assert api.log("full", run, "write").splitlines() == [
            f"line {n} of the log".encode() for n in range(1, LINES + 1)
        ]
        kinds = [event["kind"] for event in api.get("events", limit=200)["items"]]
        assert "store.fault" in kinds
        assert "store.recovered" in kinds
        assert api.call("GET", "/readyz")[0] == 200
        assert len(api.get("namespaces/default/pipelines/full/runs")["items"]) == 1
    finally:
        server.stop()
