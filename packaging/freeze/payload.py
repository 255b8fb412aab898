"""Writes the payload that gofer/frozen/payload.py reads: extension modules, shared libraries and data files."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

# What Python needs before the first line of ours runs: the importer unpacks modules with zlib and reads with _struct.
_BOOT_MODULES = ("zlib", "_struct")
# Compressed, as it is a fifth of the program, and only a server that uses secrets ever needs it: what is asked for more
# often is read faster than it could be unpacked.
_PACKED = ("cryptography/hazmat/bindings/_rust.",)
_CODE = "code~"
_BOOT_LIBRARIES = ("libpython", "libz.so", "libz-")

NAME = "gofer-payload"
"""As in gofer/frozen/payload.py."""

Entry = tuple[str, str, str]
"""A row of PyInstaller's tables: where it goes, where it comes from (for a SYMLINK: its target), and its kind."""


class Split(NamedTuple):
    """What the bootloader unpacks at every start, and what is unpacked when it is needed."""

    boot: list[Entry]
    later: list[Entry]


def split(binaries: Iterable[Entry]) -> Split:
    """Divide PyInstaller's table of binaries."""
    boot: list[Entry] = []
    later: list[Entry] = []
    for entry in sorted(binaries):
        name = Path(entry[0]).name
        is_boot = name.startswith(_BOOT_LIBRARIES) or (
            entry[2] == "EXTENSION" and name.partition(".")[0] in _BOOT_MODULES
        )
        (boot if is_boot else later).append(entry)
    return Split(boot, later)


class Contents(NamedTuple):
    """What goes into a payload. `packages`: names of all packages that the program carries, here or elsewhere."""

    binaries: Sequence[Entry]
    data: Sequence[Entry]
    code: Sequence[Entry]
    packages: set[str]


def write(target: Path, scratch: Path, contents: Contents) -> None:
    """Write the payload to `target`, the same bytes for the same input."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    pieces: dict[str, Path] = {entry[0]: Path(entry[1]) for entry in contents.data}
    pieces |= {entry[0]: _stripped(entry, scratch) for entry in contents.binaries if entry[2] != "SYMLINK"}
    packed = sorted(name for name in pieces if name.startswith(_PACKED))
    pieces |= {name: _compressed(pieces[name], scratch) for name in packed}
    compiled = {entry[0]: _compiled(entry, scratch, entry[0] in contents.packages) for entry in contents.code}
    files, blobs = _laid_out({**pieces, **{f"{_CODE}{name}": path for name, path in compiled.items()}})
    libraries = _Libraries(contents.binaries)
    index = {
        "files": {name: place for name, place in files.items() if not name.startswith(_CODE)},
        "packed": packed,
        "links": {entry[0]: entry[1] for entry in contents.binaries if entry[2] == "SYMLINK"},
        "modules": {
            module_name(entry[0]): (entry[0], libraries.needed_by(entry))
            for entry in contents.binaries
            if entry[2] == "EXTENSION"
        },
        "code": {name: (*files[f"{_CODE}{name}"], name in contents.packages) for name in sorted(compiled)},
        "data": _by_package([entry[0] for entry in contents.data], contents.packages),
    }
    head = marshal.dumps(index, 2)
    with target.open("wb") as out:
        out.write(len(head).to_bytes(8, "little") + head)
        for path in blobs:
            with path.open("rb") as source:
                shutil.copyfileobj(source, out)


def _laid_out(pieces: dict[str, Path]) -> tuple[dict[str, tuple[int, int]], list[Path]]:
    """The place (offset, size) of each file, and the files in their order."""
    places: dict[str, tuple[int, int]] = {}
    offset = 0
    for name in sorted(pieces):
        size = pieces[name].stat().st_size
        places[name] = (offset, size)
        offset += size
    return places, [pieces[name] for name in sorted(pieces)]


def module_name(path: str) -> str:
    """The module that an extension module's file is: `msgspec/_core.cpython-311-x86_64-linux-gnu.so`."""
    folder, _, file = path.rpartition("/")
    stem = file.partition(".")[0]
    if not folder or folder.endswith("lib-dynload"):
        return stem
    return f"{folder.replace('/', '.')}.{stem}"


class _Libraries:
    """Which of the carried shared libraries a file needs, those of its libraries included."""

    def __init__(self, binaries: Sequence[Entry]) -> None:
        self._by_name: dict[str, list[Entry]] = {}
        for entry in binaries:
            if entry[2] != "EXTENSION":
                self._by_name.setdefault(Path(entry[0]).name, []).append(entry)
        self._links = {entry[0]: entry[1] for entry in binaries if entry[2] == "SYMLINK"}

    def needed_by(self, entry: Entry) -> list[str]:
        found: list[str] = []
        waiting = [entry]
        while waiting:
            for name in _needed(waiting.pop()[1]):
                for library in self._by_name.get(name, ()):
                    if library[0] in found:
                        continue
                    found.append(library[0])
                    if library[2] == "SYMLINK":
                        target = os.path.normpath(Path(library[0]).parent / library[1])
                        found.append(target)
                        waiting += [e for es in self._by_name.values() for e in es if e[0] == target]
                    else:
                        waiting.append(library)
        return sorted(set(found))


def _needed(path: str) -> list[str]:
    """The names of the libraries that an ELF file asks for."""
    listing = subprocess.run(["readelf", "-dW", path], check=True, capture_output=True, text=True).stdout
    return [line.partition("[")[2].rstrip("]") for line in listing.splitlines() if "(NEEDED)" in line]


def _stripped(entry: Entry, scratch: Path) -> Path:
    copy = scratch / entry[0].replace("/", "~")
    shutil.copyfile(entry[1], copy)
    subprocess.run(["strip", "--strip-unneeded", str(copy)], check=True)
    return copy


def _compressed(path: Path, scratch: Path) -> Path:
    target = scratch / f"{path.name}~packed"
    target.write_bytes(zlib.compress(path.read_bytes(), 9))
    return target


def _compiled(entry: Entry, scratch: Path, is_package: bool) -> Path:
    """The marshalled code of a module, under the name that tracebacks show: its path in the library, not here."""
    shown = entry[0].replace(".", "/") + ("/__init__.py" if is_package else ".py")
    code = compile(Path(entry[1]).read_bytes(), shown, "exec", dont_inherit=True, optimize=0)
    target = scratch / f"{_CODE}{entry[0]}"
    target.write_bytes(marshal.dumps(code))
    return target


def _by_package(paths: Iterable[str], packages: set[str]) -> dict[str, list[str]]:
    """Data files by the innermost package that they lie in."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        parts = path.split("/")[:-1]
        while parts and ".".join(parts) not in packages:
            parts.pop()
        if not parts:
            raise ValueError(f"{path} lies in no package that is carried: nothing would ever unpack it")
        found.setdefault(".".join(parts), []).append(path)
    return found
