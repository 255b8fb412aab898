"""Which pipelines a folder holds: each file or sub-folder that `gofer pipeline create PATH` would take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import plain

_FILES = (".py", ".json")
_IN_FOLDERS = ("pipeline.py", "main.py", "go.mod", "Cargo.toml")
_HIDDEN = (".", "_")


class Sources(NamedTuple):
    """Paths in the order of their names. `skipped` are the names of what is no pipeline."""

    paths: list[str]
    skipped: list[str]


def sources(folder: str) -> Sources:
    """What stands in `folder` itself; names that begin with "." or "_" are nobody's business. Raises CommandError where
    the folder cannot be read, or holds no pipeline."""
    found = Sources([], [])
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError as error:
        message = f"cannot read {plain(folder)}: {error.strerror}"
        raise CommandError(message, "Name a folder of pipelines.", exit_code=ExitCode.USAGE) from None
    for entry in entries:
        if not entry.name.startswith(_HIDDEN):
            (found.paths if _is_pipeline(entry) else found.skipped).append(str(entry))
    if not found.paths:
        raise CommandError(
            f"{plain(folder)} holds no pipelines",
            "They are .py and .json files, executable files, and folders with one of "
            f"{', '.join(_IN_FOLDERS)}. A single one is registered with: gofer pipeline create PATH.",
            exit_code=ExitCode.USAGE,
        )
    return found


def _is_pipeline(entry: Path) -> bool:
    if entry.is_dir():
        return any((entry / name).is_file() for name in _IN_FOLDERS)
    return entry.is_file() and (entry.suffix in _FILES or os.access(entry, os.X_OK))
