"""The server killed with SIGKILL at every step of a run, and started again."""

from __future__ import annotations

import contextlib
import http.client
from pathlib import Path

import pytest

from tests.faults.crash import check_history, check_nothing_left, check_run, manifest
from tests.support.server import ServerProcess

POINTS = [
    "accepted:1",
    "begun:1",
    "recorded:1",
    "recorded:3",
    "started:1",
    "started:2",
    "exited:1",
    "exited:3",
    "drained:1",
    "drained:4",
    "ended:1",
    "ended:4",
]


@pytest.mark.parametrize("engine", ["process", "docker"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, engine: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.mkdir()
    witness.chmod(0o777)
    server = ServerProcess(tmp_path, engine, {"GOFER_ALLOWED_MOUNTS": str(witness)})
    try:
        api = server.start(GOFER_TEST_CRASH_AT=point)
        api.register(manifest("crash", engine, witness))
        # Killed before it answers, the server has stored the run all the same, or never will.
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            api.start("crash")
        server.died()
        api = server.start()
        runs = api.get("namespaces/default/pipelines/crash/runs")["items"]
        assert [run["id"] for run in runs] == [1]
        api.ended("crash", 1)
        names = check_run(api, "crash", 1, witness)
        check_history(api, "crash", 1)
    finally:
        code = server.stop()
    assert code == 0
    check_nothing_left(engine, tmp_path, names)
