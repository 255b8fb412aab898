"""What each import of a command takes in the one-file program: `python -m benchmarks.imports pipeline list`"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# Python's own -X importtime cannot be given to a frozen program; this times the same function.
_ASK = """\
import sys, time
import importlib._bootstrap as machinery
find, stack, rows = machinery._find_and_load, [], []
def timed(name, importer):
    begin = time.perf_counter()
    stack.append(0.0)
    try:
        return find(name, importer)
    finally:
        took = time.perf_counter() - begin
        inner = stack.pop()
        if stack:
            stack[-1] += took
        rows.append((name, took - inner, took))
machinery._find_and_load = timed
target, sys.argv = sys.argv[1], ["gofer", *sys.argv[2:]]
from gofer.cli.main import main
try:
    main()
finally:
    machinery._find_and_load = find
    import json
    with open(target, "w") as file:
        json.dump(rows, file)
"""


class Share(NamedTuple):
    """Seconds that a module's import took: itself, and with what it imported."""

    name: str
    own: float
    whole: float

    def __str__(self) -> str:
        return f"{self.own * 1000:7.2f} ms {self.whole * 1000:7.2f} ms with all below  {self.name}"


def shares(program: Path, command: Sequence[str], environ: Mapping[str, str]) -> list[Share]:
    """The imports of one command, longest first."""
    with tempfile.NamedTemporaryFile("r") as file:
        subprocess.run(
            [str(program), "python", "-c", _ASK, file.name, *command],
            env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        rows = json.load(file)
    return sorted((Share(*row) for row in rows), key=lambda share: -share.own)


if __name__ == "__main__":
    from benchmarks.one_file import BINARY

    print("\n".join(map(str, shares(BINARY, sys.argv[1:], os.environ))))
