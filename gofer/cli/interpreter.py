"""Which Python runs a user's pipeline: the one that runs Gofer, or one that they choose."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import plain
from gofer.frozen import is_frozen
from gofer.frozen.sdk_source import folder as sdk_folder


class Interpreter(NamedTuple):
    """`command` starts it; `environment` is added to its own; `shown` is what a person types for it.

    `bundled`: it is the one-file program's own, whose library lies in no folder.
    """

    command: list[str]
    environment: Mapping[str, str]
    shown: str
    bundled: bool = False


def interpreter(chosen: str = "") -> Interpreter:
    """The Python to run pipelines with. `chosen`: a program, a path, or the folder of a virtual environment; empty for
    Gofer's own. Raises CommandError if that is none."""
    if chosen:
        return _of_the_user(chosen)
    if is_frozen():
        from gofer.frozen.process import again

        command, environment = again(["python"])
        return Interpreter(command, environment, "gofer python", bundled=True)
    return Interpreter([sys.executable], {}, sys.executable)


def with_sdk(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's own environment, with the SDK at the end of PYTHONPATH: a newer one of theirs goes before it."""
    folders = [folder for folder in (environ.get("PYTHONPATH", ""), sdk_folder()) if folder]
    added = {"PYTHONPATH": os.pathsep.join(folders), "PYTHONDONTWRITEBYTECODE": "1"} if folders else {}
    return {**environ, **added}


def _of_the_user(chosen: str) -> Interpreter:
    path = Path(chosen).expanduser()
    wanted = str(path / "bin" / "python") if os.path.isdir(path) else str(path)
    found = shutil.which(wanted)
    if found is None:
        raise CommandError(
            f"there is no Python to run at {plain(chosen)}",
            "Give --python the path of an interpreter, its name on the PATH, or the folder of a virtual environment; "
            "leave it out to use Gofer's own.",
            exit_code=ExitCode.USAGE,
        )
    return Interpreter([str(Path(found).absolute())], {}, found)
