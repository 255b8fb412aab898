"""Facts about the file itself, and about what `make binary` puts beside it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.frozen.place import Place
from tests.support.program import ROOT

MOST = 50 * 1000 * 1000
OLDEST_GLIBC = [2, 35]
_FREEZER = str(ROOT / ".venv-freeze" / "bin" / "python")


@pytest.fixture(scope="module")
def base() -> str:
    """Where the Python lies that the program was made of."""
    subprocess.run([ROOT / ".ci" / "setup", "freeze"], check=True)
    asked = [_FREEZER, "-c", "import sys; print(sys.base_prefix)"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def facts(program: Path, base: str) -> Any:
    """What packaging/freeze/facts.py finds out."""
    paths = [str(ROOT), f"{os.environ['HOME']}/", *([base] if not base.startswith("/usr") else [])]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'packaging'}:{ROOT / 'sdk' / 'python'}:{ROOT}"}
    command = [_FREEZER, "-m", "freeze.facts", str(program), *paths]
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=environ).stdout)


def test_every_object_runs_with_the_glibc_that_is_promised(facts: Any) -> None:
    assert len(facts["glibc"]) > 60
    assert {name: needed for name, needed in facts["glibc"].items() if needed > OLDEST_GLIBC} == {}


def test_nothing_tells_where_it_was_built(facts: Any) -> None:
    assert facts["texts"] == {}


def test_it_is_small(program: Path) -> None:
    assert program.stat().st_size <= MOST


def test_the_sums_are_right(program: Path) -> None:
    sums = (program.parent / "SHA256SUMS").read_text().splitlines()
    found = {name: digest for digest, name in (line.split("  ") for line in sums)}
    assert set(found) == {"gofer", "gofer.cdx.json"}
    for name, digest in found.items():
        assert hashlib.sha256((program.parent / name).read_bytes()).hexdigest() == digest


def test_the_list_of_contents_and_the_program_agree(place: Place, program: Path) -> None:
    listed = json.loads((program.parent / "gofer.cdx.json").read_text())
    made_of = place.ok("version", "--json").json
    components = {one["name"]: one.get("version") for one in listed["components"]}
    assert made_of["libraries"].items() <= components.items()
    assert components["cpython"] == made_of["python"]
    own = listed["metadata"]["component"]
    assert (own["name"], own["version"]) == ("gofer", made_of["version"])
    assert own["hashes"][0]["content"] == hashlib.sha256(program.read_bytes()).hexdigest()


def test_the_list_names_what_is_in_the_console(program: Path) -> None:
    listed = json.loads((program.parent / "gofer.cdx.json").read_text())["components"]
    console = {
        one["purl"].partition("@")[0]: one["licenses"] for one in listed if one.get("purl", "").startswith("pkg:npm/")
    }
    assert {"pkg:npm/svelte", "pkg:npm/uplot", "pkg:npm/d3-zoom"} <= console.keys()
    assert all(console.values())


def test_it_says_what_it_is_made_of(place: Place) -> None:
    made_of = place.ok("version", "--json").json
    assert len(made_of["commit"].removesuffix("+changed")) == 40
    assert {"msgspec", "starlette", "uvicorn", "uvloop", "aiodocker", "click"} <= made_of["libraries"].keys()
