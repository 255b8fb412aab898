"""Which modules of the standard library the one-file program carries: all but what the list below says."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Windows of Tk need an X server's libraries; the rest are Python's own tests, its installer and its demonstrations.
EXCLUDED = (
    "test", "tkinter", "_tkinter", "turtle", "turtledemo", "idlelib", "ensurepip", "lib2to3.tests",
    "distutils.tests", "unittest.test", "ctypes.test", "sqlite3.test", "tests", "__phello__", "antigravity", "this",
    "_ctypes_test", "_testbuffer", "_testcapi", "_testclinic", "_testimportmultiple", "_testinternalcapi",
    "_testmultiphase", "_xxtestfuzz", "_xxsubinterpreters", "xxlimited", "xxlimited_35", "xxsubtype",
)  # fmt: skip


def modules() -> list[str]:
    """The names of all modules of this Python's standard library that are to be carried, sorted."""
    root = Path(sysconfig.get_path("stdlib"))
    found = {*_pure(root), *_extensions(Path(sysconfig.get_path("platstdlib")) / "lib-dynload")}
    return sorted(name for name in found if not _is_excluded(name))


def _pure(root: Path) -> Iterator[str]:
    for path in root.rglob("*.py"):
        parts = list(path.relative_to(root).with_suffix("").parts)
        if parts[0] in ("site-packages", "dist-packages", "lib-dynload") or not all(p.isidentifier() for p in parts):
            continue
        if parts[-1] == "__init__":
            parts.pop()
        if parts:
            yield ".".join(parts)


def _extensions(folder: Path) -> Iterator[str]:
    for path in folder.glob("*.so"):
        yield path.name.partition(".")[0]


def _is_excluded(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in EXCLUDED)
