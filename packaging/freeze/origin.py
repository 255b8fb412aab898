"""Takes out of what is carried where the building machine keeps its Python: libraries would be looked for there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from freeze.payload import Entry

_INSTEAD = "/usr"
# Libraries in Rust tell where their builder kept its crates; whoever built them as root in a container looks like us.
_CRATES = (b"/root/.cargo/", b"/usr//.cargo/")


def without(data: bytes, folder: str = sys.base_prefix) -> bytes:
    """`data` with `/usr` for what `folder` lies in. Slashes fill it up, as offsets in an object must stay.

    The folder's own name stays: linkers let texts with the same end share it, and Python's version is such a text.
    """
    data = data.replace(*_CRATES)
    above, _, name = folder.rpartition("/")
    if len(above) <= len(_INSTEAD):
        return data
    return data.replace(folder.encode(), f"{_INSTEAD.ljust(len(above), '/')}/{name}".encode())


def copied(entries: Iterable[Entry], target: Path) -> list[Entry]:
    """The rows of a table of PyInstaller's, with such copies in the folder `target` for their files."""
    target.mkdir(parents=True, exist_ok=True)
    return [_copied(entry, target) for entry in entries]


def copied_settings(pure: Iterable[Entry], target: Path) -> list[Entry]:
    """The same for what Python noted of its own building, in a table of modules; all others stay as they are."""
    rows = list(pure)
    noted = {row[0]: copied([row], target)[0] for row in rows if row[0].startswith("_sysconfigdata")}
    return [noted.get(row[0], row) for row in rows]


def _copied(entry: Entry, target: Path) -> Entry:
    name, source, kind = entry
    if kind == "SYMLINK":
        return entry
    path = target / f"{name.replace('/', '~')}{Path(source).suffix}"
    path.write_bytes(without(Path(source).read_bytes()))
    path.chmod(Path(source).stat().st_mode)
    return name, str(path), kind
