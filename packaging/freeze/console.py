"""The npm packages that are built into the web console, as Vite lists them with their licences."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import NamedTuple

LICENCES = "licences.md"
"""As in gofer/ui/console/vite.config.ts."""

_HEADING = re.compile(r"^## (?P<name>@?[\w./-]+) - (?P<version>\S+) \((?P<licence>[^)]+)\)$", re.MULTILINE)


class Built(NamedTuple):
    """One package; `licence`: as it names it itself."""

    name: str
    version: str
    licence: str


def built_in(archive: Path) -> list[Built]:
    """Those of a console.zip. Raises ValueError if none is listed: the format of the list must have changed."""
    with zipfile.ZipFile(archive) as console:
        text = console.read(LICENCES).decode()
    found = [Built(**one.groupdict()) for one in _HEADING.finditer(text)]
    if not found:
        raise ValueError(f"{archive}: {LICENCES} lists no package")
    return found
