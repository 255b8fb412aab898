"""What this very Gofer is made of: its version, the commit, Python, and the libraries in it."""

from __future__ import annotations

import platform
from pathlib import Path

import msgspec

from gofer import __version__
from gofer.frozen import is_frozen

MADE_OF = "made_of.json"
"""Beside this module in the one-file program, written as that is built."""


class Release(msgspec.Struct, kw_only=True):
    """`commit` is empty where nobody has noted it; `libraries`: name to version."""

    version: str
    commit: str = ""
    python: str
    libraries: dict[str, str]


def release() -> Release:
    """The one that runs."""
    if is_frozen():
        return msgspec.json.decode(Path(__file__).with_name(MADE_OF).read_bytes(), type=Release)
    return Release(version=__version__, python=platform.python_version(), libraries=installed("gofer"))


def installed(distribution: str) -> dict[str, str]:
    """The versions of what an installed distribution needs, and of what that needs in turn; extras left out."""
    from importlib.metadata import PackageNotFoundError, requires, version

    found: dict[str, str] = {}
    waiting = [distribution]
    while waiting:
        name = waiting.pop()
        try:
            found[name] = version(name)
            wanted = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [one for one in map(_name, wanted) if one and one not in found]
    found.pop(distribution, None)
    return dict(sorted(found.items()))


def _name(requirement: str) -> str:
    """The normalised name in a requirement; empty for one that only an extra asks for."""
    wanted, _, marker = requirement.partition(";")
    if "extra" in marker:
        return ""
    end = next((at for at, letter in enumerate(wanted) if not (letter.isalnum() or letter in "-_.")), len(wanted))
    return wanted[:end].lower().replace("_", "-").replace(".", "-")
