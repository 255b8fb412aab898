"""The example that passes values, files and a cache between tasks, on engines that run real programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess

EXAMPLE = Path(__file__).parents[2] / "examples" / "values.py"
TOKEN = "s3cret-token-of-the-example"
OBJECTS = "namespaces/default/pipelines/values"


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_values_files_and_a_cache_from_task_to_task(engine: str, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, engine)
    try:
        api = server.start()
        api.register(manifest())
        status, answer = api.call("PUT", f"{OBJECTS}/secrets/values-token", {"value": TOKEN})
        assert status in (200, 201, 204), answer
        check_run(api, 1, "making the tool", "stable")
        check_run(api, 2, "the tool is in the cache", "edge")
        assert TOKEN not in json.dumps(api.tasks("values", 1))
    finally:
        server.stop()
    assert TOKEN not in server.log_text()


def manifest() -> dict[str, Any]:
    said = subprocess.run([sys.executable, EXAMPLE], check=True, capture_output=True)
    return dict(json.loads(said.stdout))


def check_run(api: Api, run: int, made: str, channel: str) -> None:
    assert api.start("values", channel=channel) == run
    shown = api.ended("values", run)
    assert shown["status"] == "successful", api.tasks("values", run)
    version = f"v{run}-{channel}"
    parts = f"north of {version}\nsouth of {version}\n"
    for part in ("north", "south"):
        assert f"{made}\n" in api.log("values", run, f"build-{part}").decode()
    log = api.log("values", run, "publish").decode()
    assert parts in log
    assert f"publishing to https://{channel}.example.org/{version} with the token ***\n" in log
    assert TOKEN not in log
    status, report = api.raw("GET", f"{OBJECTS}/runs/{run}/objects/report")
    assert (status, report.decode()) == (200, parts)
    items = api.get(f"{OBJECTS}/runs/{run}/objects")["items"]
    assert {item["key"]: item["created_by"] for item in items} == {
        "version": f"run {run}, task version",
        "part-north": f"run {run}, task build-north",
        "part-south": f"run {run}, task build-south",
        "report": f"run {run}, task publish",
    }
    kept = {item["key"] for item in api.get(f"{OBJECTS}/objects")["items"]}
    assert kept == {"parts-north", "parts-south"}
