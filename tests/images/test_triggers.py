"""Triggers as containers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.images.build import TAG, run
from tests.support.server import ServerProcess
from tests.support.until import until

IMAGES = ["trigger/interval", "trigger/pipeline"]


@pytest.mark.parametrize("image", IMAGES)
def test_started_by_hand_it_says_what_it_is(images: None, image: str) -> None:
    ended = run(image, options=("--read-only",))
    assert ended.returncode != 0
    assert "This is a trigger, which Gofer starts (gofer trigger install)." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_speaks_the_whole_protocol_through_the_mounted_socket(images: None) -> None:
    command = [sys.executable, "-m", "gofer", "trigger", "check", f"gofer-trigger-interval:{TAG}"]
    command += [
        "--set",
        "min_duration=100ms",
        "--subscription",
        "every=500ms",
        "--subscription",
        "jitter=false",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "not tried" not in ended.stdout


def test_as_a_container_it_starts_runs_of_a_real_server(images: None, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "docker", {"GOFER_ALLOWED_NETWORKS": "none"})
    try:
        api = server.start()
        settings = {"min_duration": "100ms"}
        api.post("triggers", {"id": "often", "image": f"gofer-trigger-interval:{TAG}", "settings": settings})
        wanted = {"label": "soon", "trigger": "often", "settings": {"every": "500ms", "jitter": False}}
        tasks = [{"id": "t", "image": "busybox:stable", "network": "none", "script": 'echo "$INTERVAL_EVERY"'}]
        api.register({"id": "p", "tasks": tasks, "subscriptions": [wanted], "parallelism": {"limit": 1}})
        until(lambda: api.call("GET", "namespaces/default/pipelines/p/runs/1")[0] == 200, "the trigger starts a run")
        api.call("PATCH", "triggers/often", {"enabled": False})
        assert api.ended("p", 1)["status"] == "successful"
        assert api.log("p", 1, "t") == b"500ms\n"
        until(lambda: api.get("triggers/often").get("state", "disabled") == "disabled", "its container is gone")
    finally:
        server.stop()
