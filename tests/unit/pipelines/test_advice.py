from __future__ import annotations

from typing import Any

import pytest

from gofer.server.pipelines.advice import advice
from tests.unit.pipelines.building import from_json, manifest, task


def test_an_ordinary_manifest_gives_no_warning() -> None:
    assert advice(manifest(task("a", timeout="1h", script="param!{{x}} {{ y }} prefix{{x}}"), run_timeout="1h")) == []


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({"parallelism": {"on_limit": "skip"}}, 'parallelism: on_limit "skip" has no effect without a limit.'),
        (
            {"run_timeout": "1m", "tasks": [{"id": "a", "image": "b", "timeout": "2m"}]},
            'task "a": its timeout 2m is longer than the run\'s, 1m.',
        ),
        (
            {"tasks": [{"id": "a", "image": "b", "variables": {"A": "x sercet{{key}}"}}]},
            'task "a": variables.A: "sercet{{key}}" stays as it is; did you mean secret{{…}}?',
        ),
        (
            {"tasks": [{"id": "a", "image": "b", "command": ["Param{{key}}"]}]},
            'task "a": command[0]: "Param{{key}}" stays as it is; did you mean param{{…}}?',
        ),
    ],
)
def test_what_looks_like_a_mistake(fields: dict[str, Any], warning: str) -> None:
    assert advice(from_json(**fields)) == [warning]


def test_warnings_are_cut() -> None:
    many = manifest(*(task(f"t{i}", timeout="2h") for i in range(100)), run_timeout="1h")
    assert len(advice(many)) == 21
