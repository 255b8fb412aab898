"""Triggers as containers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.images.build import TAG, run

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
        "--fire-within",
        "2s",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "FAILED" not in ended.stdout
