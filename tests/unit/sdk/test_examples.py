"""Every example prints a manifest that the server takes, without a single problem."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from gofer.models.manifest import Manifest
from gofer.server.pipelines.validate import validate

EXAMPLES = Path(__file__).parents[3] / "examples"
SCHEMA = EXAMPLES.parent / "docs" / "manifest.schema.json"
IN_PYTHON = sorted(EXAMPLES.glob("*.py"))


def printed(*command: str | Path, folder: Path = EXAMPLES) -> bytes:
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    """What each example prints."""
    of_python = {path.name: printed(sys.executable, path) for path in IN_PYTHON}
    return {**of_python, "pipeline.sh": printed(EXAMPLES / "pipeline.sh")}


@pytest.fixture(scope="module")
def every(bodies: dict[str, bytes]) -> dict[str, Manifest]:
    return {name: msgspec.json.decode(body, type=Manifest) for name, body in bodies.items()}


def test_the_server_finds_no_problem(every: dict[str, Manifest]) -> None:
    assert {name: validate(manifest) for name, manifest in every.items()} == {name: [] for name in every}
    assert len({manifest.id for manifest in every.values()}) == len(every) > 6


def test_the_published_schema_takes_them(bodies: dict[str, bytes]) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for name, body in bodies.items():
        assert (name, [error.message for error in validator.iter_errors(json.loads(body))]) == (name, [])


@pytest.mark.parametrize("path", IN_PYTHON, ids=lambda path: path.name)
def test_an_example_can_be_imported_and_says_the_same_in_every_form(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline: Any = runpy.run_path(str(path))["pipeline"]
    assert capsys.readouterr().out == ""
    decoded = msgspec.json.decode(pipeline.to_json(), type=Manifest)
    assert decoded == msgspec.msgpack.decode(pipeline.to_msgpack(), type=Manifest)
    assert decoded == msgspec.convert(pipeline.manifest(), Manifest)


def test_the_go_example(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go compiler here")
    done = subprocess.run(
        [go, "run", "."],
        cwd=EXAMPLES / "go",
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOPROXY": "off"},
        capture_output=True,
        check=True,
    )
    manifest = msgspec.json.decode(done.stdout, type=Manifest)
    assert validate(manifest) == []
    assert json.loads(done.stdout)["id"] == "go"


def test_scripts_are_plain_shell_and_images_the_one_that_is_promised(every: dict[str, Manifest]) -> None:
    for name, manifest in every.items():
        for task in manifest.tasks:
            assert (name, task.image) == (name, "busybox:stable")
            assert task.pull == "if_not_present"
            if task.script is not None:
                subprocess.run(["/bin/sh", "-n", "-c", task.script], check=True)


def test_the_readme_names_every_example() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    found = {path.name for path in EXAMPLES.iterdir() if path.name not in ("README.md", "__pycache__")}
    assert [name for name in sorted(found) if f"({name})" not in readme] == []


def test_the_walk_through_of_deployments_begins_with_the_example() -> None:
    page = EXAMPLES.parent / "docs" / "guide" / "deployments.md"
    assert f'```python title="totals.py"\n{(EXAMPLES / "totals.py").read_text()}```' in page.read_text()
