"""An image with what a task needs to speak to Gofer: curl, Python, and the SDK. Made of this machine's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE = "busybox:stable"
SDK = Path(__file__).parents[3] / "sdk" / "python" / "gofer_sdk"

_NOT_NEEDED = shutil.ignore_patterns(
    "__pycache__", "test", "tests", "site-packages", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*", "*.a"
)


@contextmanager
def task_image(name: str, scratch: Path) -> Iterator[str]:
    """The image of that name, for as long as the context lasts. `python` and `curl` are on its path."""
    root = scratch / "root"
    python = Path(sys.executable).resolve()
    standard_library = Path(sysconfig.get_path("stdlib"))
    curl = shutil.which("curl")
    assert curl is not None, "these tests need curl: apt-get install curl"
    shutil.copytree(standard_library, _in(root, standard_library), ignore=_NOT_NEEDED)
    programs = [python, Path(curl), *standard_library.glob("lib-dynload/*.so")]
    for file in {*programs[:2], *(library for one in programs for library in _libraries(one))}:
        _copy(file, root)
    shutil.copytree(SDK, root / "opt" / "sdk" / "gofer_sdk", ignore=_NOT_NEEDED)
    (scratch / "Dockerfile").write_text(
        f"FROM {BASE}\nCOPY root /\nENV PATH=/bin:{python.parent}:{Path(curl).parent} PYTHONPATH=/opt/sdk\n"
        f"RUN ln -s {python} /bin/python\n"
    )
    _docker("build", "--quiet", "--tag", name, str(scratch))
    try:
        yield name
    finally:
        _docker("rmi", "--force", name)


def _in(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _copy(file: Path, root: Path) -> None:
    target = _in(root, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, target)


def _libraries(program: Path) -> list[Path]:
    """What the loader needs for a program or library, under the names by which it looks."""
    told = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
    return [Path(word) for line in told.splitlines() for word in line.split() if word.startswith("/")]


def _docker(*arguments: str) -> None:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
