"""What the one-file program carries besides the standard library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from freeze.payload import Entry

# Parts of the build itself that something imports when it finds them.
EXCLUDED = ("pip", "setuptools", "pkg_resources", "wheel", "hatchling", "PyInstaller", "altgraph")

# Imported under names that no analysis can see.
_UNSEEN = ("uvicorn.protocols.websockets.websockets_sansio_impl", "uvicorn.protocols.http.httptools_impl")


LOCK = "gofer.lock"
"""As in gofer/frozen/process.py: by it an unpacked folder is known to be Gofer's, even if Python never began."""


def modules(root: Path) -> list[str]:
    """Every module of Gofer and of the SDK, and those of libraries that the analysis cannot see."""
    return [*_modules(root, "gofer"), *_modules(root / "sdk" / "python", "gofer_sdk"), *_UNSEEN]


def data(root: Path) -> list[tuple[str, str]]:
    """Data files of Gofer and of the SDK, with the folder that each goes to. The SDK's source too: another Python
    that the user chooses has to find it as files."""
    found = [
        (str(path), str(path.parent.relative_to(root)))
        for path in sorted((root / "gofer").rglob("*"))
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    ]
    sdk = root / "sdk" / "python"
    found += [
        (str(path), f"gofer/frozen/sdk_source/{path.parent.relative_to(sdk)}")
        for path in sorted((sdk / "gofer_sdk").rglob("*.py"))
    ]
    return [*found, (str(root / "packaging" / "freeze" / LOCK), ".")]


def divide(table: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Data that is unpacked when needed, and what Python needs to begin; metadata of libraries is left out."""
    kept = [entry for entry in table if ".dist-info/" not in entry[0]]
    boot = [entry for entry in kept if entry[0] in ("base_library.zip", LOCK)]
    return [entry for entry in kept if entry not in boot], boot


def packages(pure: Iterable[Entry]) -> set[str]:
    """The names of all packages in PyInstaller's table of modules."""
    return {entry[0] for entry in pure if Path(entry[1]).name == "__init__.py"}


def _modules(root: Path, package: str) -> Iterator[str]:
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
