"""The command line as a task of the process engine uses it: address, token and namespace come from its environment."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess
from tests.support.until import until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, "process", {"GOFER_DEV_MODE": "true"})
    yield server
    server.stop()


def in_task(api: Api, *script: Sequence[str], **task: Any) -> tuple[str, str, str]:
    """Status of a run whose task gives these commands, and what it prints on both streams."""
    lines = "\n".join(f"{sys.executable} -m gofer {' '.join(words)}; printf '\\ncode %s\\n' $?" for words in script)
    command = ["sh", "-c", lines]
    api.register(
        {"id": "p", "tasks": [{"id": "t", "image": "i", "command": command, "inject_api_token": True, **task}]}
    )
    run = api.start("p")
    status = api.ended("p", run)["status"]
    return status, *(api.log("p", run, "t", stream=stream).decode() for stream in ("stdout", "stderr"))


def test_a_task_lists_and_starts_runs_and_may_no_more(server: ServerProcess) -> None:
    api = server.start()
    api.register({"id": "other", "tasks": [{"id": "x", "image": "i", "command": ["true"]}]})
    status, out, err = in_task(
        api,
        ["--format", "json", "run", "start", "other", "--follow"],
        ["--format", "json", "run", "get", "p", "1"],
        ["run", "store", "put", "p", "1", "count=12"],
        ["run", "store", "get", "p", "1", "count"],
        ["secret", "list", "--pipeline", "p"],
        ["service", "info"],
        ["namespace", "list"],
    )
    assert status == "successful", (out, err)
    shown, _ = json.JSONDecoder().raw_decode(out.split("code 0\n")[1].lstrip())
    assert (shown["pipeline"], shown["status"]) == ("p", "running"), shown
    assert [line for line in out.splitlines() if line.startswith("code")] == [
        f"code {code}" for code in (0, 0, 0, 0, 5, 5, 0)
    ]
    assert "The token of a run does not allow this (system:read)" in err
    assert "The token of a run does not allow this (secrets:read)" in err
    path = "/api/v1/namespaces/default/pipelines/p/runs/1/objects/count"
    assert api.raw("GET", path) == (200, b"12")
    assert api.run("other", 1)["initiator"] == {"kind": "task", "name": "p/1/t"}


def test_a_path_that_is_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / ("long" * 30), "process", {"GOFER_DEV_MODE": "true"})
    try:
        api = server.start()
        status, out, _ = in_task(api, ["run", "list", "p"])
        assert (status, out) == ("failed", "")
        found = api.tasks("p", 1)["t"]
        assert found["reason"] == "not_allowed"
        assert "107 bytes" in found["detail"]
    finally:
        server.stop()


def test_nothing_on_the_disk_has_the_token(server: ServerProcess, tmp_path: Path) -> None:
    api = server.start()
    script = f'cd {tmp_path}; echo "$GOFER_API_TOKEN" > part; mv part token; while [ ! -e end ]; do sleep 0.1; done'
    task = {"id": "t", "image": "i", "command": ["sh", "-c", script], "inject_api_token": True}
    api.register({"id": "p", "tasks": [task]})
    run = api.start("p")
    api.until("taskrun.running", "p", run, "t")
    until((tmp_path / "token").is_file, "the task has written its token")
    server.kill()
    _has_not(tmp_path / "data", token := (tmp_path / "token").read_bytes().strip())
    api = server.start()
    (tmp_path / "end").touch()
    api.ended("p", run)
    server.stop()
    _has_not(tmp_path / "data", token)


def _has_not(folder: Path, token: bytes) -> None:
    assert len(token) == 59
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert folder / "gofer.db" in files
    assert [file for file in files if token in file.read_bytes()] == []
