"""The Docker Engine stops in the middle of a run and comes back."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dockerd import IMAGE, OwnDockerd
from tests.support.server import ServerProcess

AWAY_SECONDS = 20
LINES = 260


@pytest.fixture(params=[True, False], ids=["containers-survive", "containers-end"])
def engine(request: pytest.FixtureRequest) -> Iterator[OwnDockerd]:
    # Not under tmp_path: the engine's sockets must have short names.
    with tempfile.TemporaryDirectory(prefix="gofer-", ignore_cleanup_errors=True) as folder:
        engine = OwnDockerd(Path(folder), keeps_containers=request.param)
        engine.start()
        engine.load_image()
        yield engine
        engine.close()


def test_gofer_waits_says_so_and_goes_on(engine: OwnDockerd, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    survives = "containers-survive" in request.node.name
    script = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.1; done"
    task = {
        "id": "count",
        "image": IMAGE,
        "network": "none",
        "retries": {"count": 1, "backoff": "1s"},
        "script": script,
    }
    server = ServerProcess(
        tmp_path, "docker", {"GOFER_SCHEDULER__DOCKER__HOST": engine.host, "GOFER_ALLOWED_NETWORKS": "none"}
    )
    try:
        api = server.start()
        api.register({"id": "away", "tasks": [task]})
        run = api.start("away")
        api.until("taskrun.running", "away", run, "count")
        engine.stop()
        kinds = (event["kind"] for event in api.events(after=0))
        assert "engine.unavailable" in kinds
        status, health = api.call("GET", "/readyz")
        assert status == 503
        assert any("Docker" in problem for problem in health["problems"]), health
        # The outage itself has a length: it is what is tested.
        time.sleep(AWAY_SECONDS)
        assert api.run("away", run)["status"] == "running"
        engine.start()
        assert "engine.available" in (event["kind"] for event in api.events(after=0))
        assert api.ended("away", run)["status"] == "successful"
        assert api.call("GET", "/readyz")[0] == 200
        attempts = api.tasks("away", run)["count"]["attempts"]
        assert len(attempts) == (1 if survives else 2), attempts
        expected = [f"line {n}".encode() for n in range(1, LINES + 1)]
        found = api.log("away", run, "count", attempt=len(attempts)).splitlines()
        assert found == expected
        if not survives:
            # What the ended container printed before is a part of it, from the first line on.
            first = api.log("away", run, "count", attempt=1).splitlines()
            assert first == expected[: len(first)]
            assert first
    finally:
        server.stop()
