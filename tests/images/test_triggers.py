"""Triggers as containers."""

from __future__ import annotations

import pytest

from tests.images.build import run


@pytest.mark.parametrize("image", ["trigger/cron", "trigger/pipeline"])
def test_started_by_hand_it_says_what_it_is(images: None, image: str) -> None:
    ended = run(image, options=("--read-only",))
    assert ended.returncode != 0
    assert "This is a trigger, which Gofer starts (gofer trigger install)." in ended.stderr
    assert "Traceback" not in ended.stderr
