"""docs/runs.md names everything that there is, and nothing that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from gofer.models.status import Reason, RunStatus, TaskStatus

_TEXT = (Path(__file__).parents[3] / "docs" / "runs.md").read_text(encoding="utf-8")


def first_column(heading: str) -> set[str]:
    """The code words that begin the rows of the tables of a section."""
    section = _TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))


def test_every_status_is_explained() -> None:
    assert first_column("Statuses") == {*RunStatus, *TaskStatus}


def test_every_reason_is_explained() -> None:
    assert first_column("Reasons") == {*Reason} - {Reason.NONE}
