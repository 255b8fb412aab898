"""The release information that the one-file program carries."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import msgspec

import gofer
from gofer.release import MADE_OF, Release, installed


def write(root: Path, target: Path) -> Path:
    """Write the file for the checkout at `root` into the folder `target`; returns its path."""
    made = Release(
        version=gofer.__version__,
        commit=commit(root),
        python=sys.version.split()[0],
        libraries=libraries(root),
    )
    target.mkdir(parents=True, exist_ok=True)
    path = target / MADE_OF
    path.write_bytes(msgspec.json.encode(made))
    return path


def read(path: Path) -> Release:
    """What `write` has written."""
    return msgspec.json.decode(path.read_bytes(), type=Release)


def commit(root: Path) -> str:
    """The checkout's commit, `+changed` behind it where files differ from it; empty outside a checkout."""
    found = git(root, "rev-parse", "HEAD")
    return f"{found}+changed" if found and git(root, "status", "--porcelain", "--untracked-files=no") else found


def libraries(root: Path) -> dict[str, str]:
    """Name to version of every distribution that the runtime needs, but for this checkout's own."""
    wanted = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    found: dict[str, str] = {}
    for requirement in wanted:
        name = re.split(r"[>\[]", requirement, maxsplit=1)[0]
        if not name.startswith("gofer-"):
            found |= {name: version(name), **installed(name)}
    return dict(sorted(found.items()))


def git(root: Path, *arguments: str) -> str:
    """What git says of the checkout; empty where it cannot be asked."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
