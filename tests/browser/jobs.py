"""Pipelines for the journeys: real scripts, as local processes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

IMAGE = "busybox:stable"


def pipeline(name: str, /, *tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A manifest."""
    return {"id": name, "tasks": list(tasks), **more}


def task(name: str, script: str, /, *parents: str, **more: Any) -> dict[str, Any]:
    """A task that runs `script` when its `parents` were successful."""
    return {
        "id": name,
        "image": IMAGE,
        "script": script,
        "depends_on": [{"task": parent} for parent in parents],
        **more,
    }


class Gate:
    """What a task waits for, until the test opens it: so that a run is under way for as long as it is looked at."""

    def __init__(self, folder: Path, name: str = "gate") -> None:
        self._path = folder / name

    @property
    def wait(self) -> str:
        """The line of a script that waits."""
        return f"until {self.is_open}; do sleep 0.05; done"

    @property
    def is_open(self) -> str:
        """The condition of a script that looks only."""
        return f"[ -e {shlex.quote(str(self._path))} ]"

    def open(self) -> None:
        """Lets everybody through who waits."""
        self._path.touch()
