"""The server killed again and again, wherever it happens to be; the seed makes a failure come back."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.faults.crash import check_nothing_left, check_run, manifest
from tests.support.server import Api, ServerProcess

RUNS = 3
KILLS = 6


@pytest.mark.parametrize("engine", ["process", "docker"])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_after_any_number_of_events(seed: int, engine: str, tmp_path: Path) -> None:
    rng = random.Random(seed)
    witness = tmp_path / "witness"
    witness.mkdir()
    witness.chmod(0o777)
    server = ServerProcess(tmp_path, engine, {"GOFER_ALLOWED_MOUNTS": str(witness)})
    try:
        api = server.start()
        api.register(manifest("soak", engine, witness))
        runs = [api.start("soak") for _ in range(RUNS)]
        for _ in range(KILLS):
            _let_happen(api, rng.randint(1, 12))
            server.kill()
            api = server.start()
        names = []
        for run in runs:
            api.ended("soak", run)
            names += check_run(api, "soak", run, witness)
    finally:
        server.stop()
    check_nothing_left(engine, tmp_path, names)


def _let_happen(api: Api, count: int) -> None:
    """Wait for that many new events, or until every run has ended."""
    last = api.get("events", newest_first="true", limit=1)["items"][0]["seq"]
    if api.get("system/info")["runs_running"] == 0:
        return
    with contextlib.suppress(ConnectionClosed):
        for number, event in enumerate(api.events(after=last), start=1):
            if number == count or event["kind"] == "run.ended":
                return
