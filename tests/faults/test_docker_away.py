"""The Docker Engine stops in the middle of a run and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conformance.conftest import IMAGE
from tests.conformance.second_engine import SecondEngine, second_engine
from tests.support.server import Api, ServerProcess

AWAY_SECONDS = 20
LINES = 260


@pytest.mark.parametrize("survives", [True, False], ids=["containers-survive", "containers-end"])
async def test_gofer_waits_says_so_and_goes_on(survives: bool, tmp_path: Path) -> None:
    async with second_engine(live_restore=survives) as engine:
        server = ServerProcess(
            tmp_path, "docker", {"GOFER_SCHEDULER__DOCKER__HOST": engine.address, "GOFER_ALLOWED_NETWORKS": "none"}
        )
        try:
            await _go_on(server.start(), engine, survives)
        finally:
            server.stop()


async def _go_on(api: Api, engine: SecondEngine, survives: bool) -> None:
    script = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.1; done"
    task = {
        "id": "count",
        "image": IMAGE,
        "network": "none",
        "retries": {"count": 1, "backoff": "1s"},
        "script": script,
    }
    api.register({"id": "away", "tasks": [task]})
    run = api.start("away")
    api.until("taskrun.running", "away", run, "count")
    await engine.stop()
    assert "engine.unavailable" in (event["kind"] for event in api.events(after=0))
    status, health = api.call("GET", "/readyz")
    assert status == 503
    assert any("Docker" in problem for problem in health["problems"]), health
    # The outage itself has a length: it is what is tested.
    await asyncio.sleep(AWAY_SECONDS)
    assert api.run("away", run)["status"] == "running"
    await engine.start()
    assert "engine.available" in (event["kind"] for event in api.events(after=0))
    assert api.ended("away", run)["status"] == "successful"
    assert api.call("GET", "/readyz")[0] == 200
    attempts = api.tasks("away", run)["count"]["attempts"]
    assert len(attempts) == (1 if survives else 2), attempts
    expected = [f"line {n}".encode() for n in range(1, LINES + 1)]
    assert api.log("away", run, "count", attempt=len(attempts)).splitlines() == expected
    if not survives:
        # What the ended container printed before is a part of it, from the first line on.
        first = api.log("away", run, "count", attempt=1).splitlines()
        assert first == expected[: len(first)]
        assert first
