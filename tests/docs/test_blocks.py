"""What stands in the pages as Python, configuration or figures is taken by Gofer as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT
from tests.support.server import Api

DOCS = ROOT / "docs"
PAGES = [DOCS / "index.md", *sorted((DOCS / "guide").glob("*.md")), *sorted((DOCS / "how-to").glob("*.md"))]


def blocks(path: Path, kind: str) -> list[str]:
    """The fenced blocks of one kind."""
    return re.findall(rf"^```{kind}[^\n]*\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


PYTHON = [(path, block) for path in PAGES for block in blocks(path, "python")]
# Those with a title are files of a reader, which test_console writes and tries; some are wrong on purpose.
CONFIGURATION = [(path, block) for path in sorted(DOCS.rglob("*.md")) for block in blocks(path, "hcl$")]


@pytest.mark.parametrize(("path", "block"), PYTHON, ids=[path.stem for path, _ in PYTHON])
def test_python_runs(path: Path, block: str, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(block)
    done = subprocess.run([sys.executable, tmp_path / "page.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{path}: {done.stderr}"


@pytest.mark.parametrize(("path", "block"), CONFIGURATION, ids=[path.stem for path, _ in CONFIGURATION])
def test_configuration_is_accepted(path: Path, block: str, tmp_path: Path) -> None:
    (tmp_path / "gofer.hcl").write_text(block)
    of_the_client = re.search(r"^host\b", block, re.MULTILINE) is not None
    command = ["version", "--config"] if of_the_client else ["service", "config", "check"]
    done = subprocess.run(
        [sys.executable, "-m", "gofer", *command, str(tmp_path / "gofer.hcl")],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    # The certificates that a sample names are not here.
    errors = [line for line in said if line.startswith("error") and "cannot be read" not in line]
    assert said
    assert not errors, f"{path}: {errors}"


def test_the_figures_of_the_api_page_are_the_server_s(server: Api) -> None:
    section = (DOCS / "api.md").read_text().split("\n## Metrics\n")[1].split("\n## ")[0]
    told = set(re.findall(r"`(gofer_\w+)`", section))
    status, body = server.raw("GET", "/metrics")
    assert status == 200
    assert set(re.findall(rb"^# TYPE (gofer_\w+) ", body, re.MULTILINE)) == {name.encode() for name in told}
