"""The server killed while a pipeline is paused or resumed: what is on disk holds, and each run is started once."""

from __future__ import annotations

import contextlib
import http.client
from pathlib import Path

import pytest

from tests.support.server import Api, ServerProcess

_PIPELINE = "namespaces/default/pipelines/p"
_PAUSE = f"{_PIPELINE}/holds/paused"


def asked(api: Api, method: str) -> None:
    """The server may die of it."""
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        api.call(method, _PAUSE, {"reason": "why"} if method == "PUT" else None)


@pytest.mark.parametrize(
    ("point", "paused"),
    [("hold_written:1", False), ("hold_stored:1", True), ("hold_written:2", True), ("hold_stored:2", False)],
)
def test_killed_at(point: str, paused: bool, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    task = {"id": "a", "image": "busybox:stable", "script": f'echo "$GOFER_RUN_ID" >> "{witness}"'}
    server = ServerProcess(tmp_path, "process")
    try:
        api = server.start(GOFER_TEST_CRASH_AT=point)
        api.register({"id": "p", "schema_version": 1, "parallelism": {"limit": 1}, "tasks": [task]})
        asked(api, "PUT")
        if point.endswith("2"):
            assert [api.start("p"), api.start("p")] == [1, 2]
            asked(api, "DELETE")
        server.died()
        api = server.start()
        started = [1, 2, api.start("p")] if point.endswith("2") else [api.start("p"), api.start("p"), api.start("p")]
        assert started == [1, 2, 3]
        assert [hold["kind"] for hold in api.get(_PIPELINE)["holds"]] == ["paused"] * paused
        if paused:
            waiting = api.get(f"{_PIPELINE}/runs")["items"]
            assert {(run["status"], run["started_at"], "paused" in run["detail"]) for run in waiting} == {
                ("queued", None, True)
            }
            assert not witness.exists()
            assert api.call("DELETE", _PAUSE)[0] == 200
        for run in started:
            assert api.ended("p", run)["status"] == "successful"
        assert witness.read_text().split() == ["1", "2", "3"]
    finally:
        code = server.stop()
    assert code == 0
