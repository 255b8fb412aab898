"""What the one-file program carries besides the standard library."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from freeze.payload import Entry

# Besides, parts of the build itself that something imports when it finds them.
EXCLUDED = (
    # Asks for a newer glibc than all the rest, and has a twin in Python.
    "frozenlist._frozenlist",
    # Python's uuid does without, and most commands import that.
    "_uuid",
    "pip",
    "setuptools",
    "pkg_resources",
    "wheel",
    "hatchling",
    "PyInstaller",
    "altgraph",
)

# The building machine's asks for a newer glibc than all the rest. Only searching logs needs it, and every distribution
# has its own, of which far older ones would do.
_NOT_CARRIED = ("libstdc++.so.6",)

# Needed before the payload can be read.
_FIRST = ("gofer", "gofer.frozen", "__future__")

# Imported under names that no analysis can see.
_UNSEEN = (
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvicorn.protocols.http.httptools_impl",
    # time zones, where the machine has none
    "tzdata",
)


MARK = "gofer.mark"
"""As in gofer/frozen/process.py: by it an unpacked folder is known to be Gofer's, even if Python never began."""


FOLDERS = {"sdk/python": "gofer_sdk", "triggers": "gofer_triggers", "common_tasks": "gofer_common_tasks"}
"""The packages of this checkout beside `gofer`, by the folder that each lies in."""


def modules(root: Path) -> list[str]:
    """Every module of this checkout's packages, and those of libraries that the analysis cannot see."""
    beside = [name for folder, package in FOLDERS.items() for name in _modules(root / folder, package)]
    return [*_modules(root, "gofer"), *beside, *_UNSEEN]


def data(root: Path, made_of: Path) -> list[tuple[str, str]]:
    """Data files of Gofer and of the SDK, with the folder that each goes to. The SDK's source too: another Python
    that the user chooses has to find it as files. `made_of`: the file that freeze.release writes."""
    found = [
        (str(path), str(path.parent.relative_to(root)))
        for path in sorted((root / "gofer").rglob("*"))
        if path.is_file()
        and path.suffix not in (".py", ".pyc")
        and "__pycache__" not in path.parts
        # Of what is built of it, gofer/server/console.zip.
        and not path.is_relative_to(root / "gofer" / "ui" / "console")
    ]
    sdk = root / "sdk" / "python"
    found += [
        (str(path), f"gofer/frozen/sdk_source/{path.parent.relative_to(sdk)}")
        for path in sorted((sdk / "gofer_sdk").rglob("*.py"))
    ]
    return [*found, (str(made_of), "gofer/release"), (str(root / "packaging" / "freeze" / MARK), ".")]


def divide(table: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Data that is unpacked when needed, and what Python needs to begin; metadata of libraries is left out."""
    kept = [entry for entry in table if ".dist-info/" not in entry[0]]
    boot = [entry for entry in kept if entry[0] == "base_library.zip"]
    later = [entry for entry in kept if entry[0] not in ("base_library.zip", MARK)]
    # PyInstaller sorts by kind, then name: as an executable the mark is unpacked first, before room can run out.
    return later, [*boot, *((name, source, "EXECUTABLE") for name, source, _kind in kept if name == MARK)]


def carried(binaries: Iterable[Entry]) -> list[Entry]:
    """Those rows of PyInstaller's table of binaries that go into the program."""
    return [entry for entry in binaries if Path(entry[0]).name not in _NOT_CARRIED]


def quick(root: Path, pure: Iterable[Entry]) -> list[Entry]:
    """Those rows of PyInstaller's table of modules that the command line loads, by asking a Python that loads it."""
    names = [name for part in ("cli", "client") for name in _modules(root, f"gofer.{part}")]
    program = f"import sys\nfor name in {names!r}:\n    __import__(name)\nprint(*sys.modules)"
    path = os.pathsep.join([str(root), *(str(root / folder) for folder in FOLDERS)])
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    return [
        entry
        for entry in pure
        if entry[0] in loaded and entry[0] not in _FIRST and not entry[0].startswith("gofer.frozen.")
    ]


def packages(pure: Iterable[Entry]) -> set[str]:
    """The names of all packages in PyInstaller's table of modules."""
    return {entry[0] for entry in pure if Path(entry[1]).name == "__init__.py"}


def _modules(root: Path, package: str) -> Iterator[str]:
    for path in sorted((root / package.replace(".", "/")).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__main__" and "node_modules" not in parts:
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
