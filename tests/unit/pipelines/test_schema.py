from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from gofer.models.manifest import Manifest
from gofer.server.pipelines.decode import decode_manifest
from gofer.server.pipelines.schema import CONSTRAINTS, document, schema
from gofer.server.pipelines.schema_fields import DESCRIPTIONS
from gofer.server.pipelines.validate import validate

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "manifest.md").read_text()
EXAMPLES = sorted(
    path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".sh") and not path.name.startswith("_")
)


def checker() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def fields() -> set[str]:
    return {f"{name}.{field}" for name, part in schema()["$defs"].items() for field in part["properties"]}


def test_the_published_schema_is_the_generated_one() -> None:
    """Renew it with: python -m gofer.server.pipelines.schema > docs/manifest.schema.json."""
    assert (ROOT / "docs" / "manifest.schema.json").read_text() == document()


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_field_is_described_and_constraints_are_of_fields_that_exist() -> None:
    assert set(DESCRIPTIONS) == fields()
    for place, constraint in CONSTRAINTS.items():
        name, field, *_ = place.split(".")
        part = json.dumps(schema()["$defs"][name]["properties"][field])
        for key, value in constraint.items():
            assert f"{json.dumps(key)}: {json.dumps(value)}" in part, place


def test_every_field_stands_in_the_reference() -> None:
    for place in fields():
        assert f"`{place.split('.')[1]}`" in REFERENCE, place


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", REFERENCE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", blocks("json"))
def test_the_manifests_of_the_reference_are_valid(text: str) -> None:
    checker().validate(json.loads(text))
    assert validate(decode_manifest(text.encode(), "application/json")) == []


def test_the_complete_example_of_the_reference_uses_every_field() -> None:
    used: set[str] = set()
    pending: list[Any] = [json.loads(text) for text in blocks("json")]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            used.update(part)
        pending.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    assert {place.split(".")[1] for place in fields()} <= used


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_satisfy_schema_and_rules(path: Path) -> None:
    command = [sys.executable if path.suffix == ".py" else shutil.which("sh") or "sh", str(path)]
    printed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    checker().validate(json.loads(printed))
    assert validate(decode_manifest(printed, "application/json")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"id": "a", "tasks": []},
        {"id": "a b", "tasks": [{"id": "a", "image": "b"}]},
        {"id": "a", "tasks": [{"id": "a"}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b"}], "extra": 1},
        {"id": "a", "tasks": [{"id": "a", "image": "b"}], "schema_version": 2},
        {"id": "a", "tasks": [{"id": "a", "image": "b"}], "run_timeout": "soon"},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "script": "x", "command": ["y"]}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "script": "x", "entrypoint": ["y"]}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "variables": {"A": 1}}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "variables": {"gofer_x": "1"}}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "matrix": {"k": []}}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "limits": {"cpu": 0, "memory": "1XB"}}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "retries": {"count": -1}}]},
        {"id": "a", "tasks": [{"id": "a", "image": "b", "depends_on": [{"task": "x", "when": "success"}]}]},
    ],
)
def test_it_refuses_what_is_wrong(wrong: dict[str, Any]) -> None:
    assert list(checker().iter_errors(wrong))


def test_nulls_and_defaults_are_fine() -> None:
    spelled_out = msgspec.to_builtins(Manifest(id="a"))
    assert spelled_out == {"id": "a"}
    task = {"id": "a", "image": "b", "script": None, "command": ["x"], "timeout": None, "limits": {"cpu": None}}
    checker().validate({"id": "a", "tasks": [task]})
