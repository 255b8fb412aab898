"""What takes how much room in the one-file program."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from freeze.program import Piece, pieces

_OWN = dict.fromkeys(("gofer", "gofer_sdk", "gofer_triggers", "gofer_common_tasks"), "gofer")
_ARCHIVES = {"gofer/server/site.zip": "gofer: documentation", "gofer/server/console.zip": "gofer: console"}


def components(program: Path) -> dict[str, int]:
    """Bytes of each component, largest first: gofer, its documentation and console, Python, each library, the rest."""
    owners = {module: names[0] for module, names in packages_distributions().items()}
    sizes: Counter[str] = Counter()
    for piece in pieces(program):
        sizes[_component(piece, owners)] += piece.size
    sizes["bootloader and tables"] = program.stat().st_size - sum(sizes.values())
    return dict(sizes.most_common())


def lines(program: Path) -> list[str]:
    """The table as text."""
    found = components(program)
    width = max(map(len, found))
    rows = [f"  {name:<{width}} {size / 1e6:7.2f} MB" for name, size in found.items()]
    return [*rows, f"  {'all':<{width}} {program.stat().st_size / 1e6:7.2f} MB"]


def _component(piece: Piece, owners: Mapping[str, str]) -> str:
    if piece.name in _ARCHIVES:
        return _ARCHIVES[piece.name]
    top = piece.name.partition("." if piece.kind == "module" else "/")[0]
    if top in _OWN:
        return _OWN[top]
    if top in sys.stdlib_module_names or top.startswith(("_sysconfigdata", "python3", "libpython", "base_library")):
        return "Python"
    if ".so." in Path(piece.name).name:
        return "shared libraries"
    return owners.get(top, "other")
