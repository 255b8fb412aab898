"""What was measured, kept until it is written down."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.conditions import Conditions
from benchmarks.figure import Figure


class Result(msgspec.Struct, frozen=True):
    """Of one benchmark. `at`: when, in UTC; `took` in seconds; `load`: of the machine before it began."""

    conditions: Conditions
    figures: list[Figure]
    at: str
    took: float
    load: float


class Results:
    """The newest result of each benchmark, one file each in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, result: Result) -> None:
        """In place of an older one."""
        self._folder.mkdir(exist_ok=True, parents=True)
        self._path(name).write_bytes(msgspec.json.format(msgspec.json.encode(result)))

    def get(self, name: str) -> Result | None:
        """None if there is none that can be read."""
        try:
            return msgspec.json.decode(self._path(name).read_bytes(), type=Result)
        except (OSError, msgspec.DecodeError):
            return None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
