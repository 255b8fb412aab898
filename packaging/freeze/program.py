"""Looks into a finished one-file program: which pieces there are, how large each is, and what each needs of the
machine that it runs on."""

from __future__ import annotations

import io
import marshal
import re
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PyInstaller.archive.readers import CArchiveReader

from freeze.payload import NAME, module_name

_ELF = b"\x7fELF"
_VERSION = re.compile(r"\bGLIBC_(\d+)\.(\d+)\b")


class Piece(NamedTuple):
    """`name`: a module's, or a file's path. `size`: bytes that it takes in the program. `kind`: module or file."""

    name: str
    size: int
    kind: str


def pieces(program: Path) -> list[Piece]:
    """Everything in the program; what is left to its size is the bootloader and tables."""
    archive = CArchiveReader(str(program))
    found = []
    for name, (_offset, length, _raw, _compressed, kind) in archive.toc.items():
        if kind in ("z", "Z") and name.startswith("PYZ"):
            modules = archive.open_embedded_archive(name).toc.items()
            found += [Piece(module, size, "module") for module, (_type, _at, size) in modules]
        elif name == NAME:
            found += _payload_pieces(_payload(archive))
        else:
            found.append(Piece(name, length, "file"))
    return found


def texts(program: Path, wanted: Sequence[bytes]) -> dict[str, list[str]]:
    """Which pieces hold which of the wanted texts: the text to the names of the pieces."""
    found: dict[str, list[str]] = {}
    for name, data in _contents(program):
        for text in wanted:
            if text in data:
                found.setdefault(text.decode(), []).append(name)
    return found


def objects(program: Path, folder: Path) -> Iterator[Path]:
    """Every executable and shared object in the program, unpacked into `folder`, and the program itself."""
    archive = CArchiveReader(str(program))
    yield program
    for name, (*_, kind) in archive.toc.items():
        if kind == "b" and (data := archive.extract(name))[:4] == _ELF:
            yield _saved(folder / name, data)
    index, blob = _payload(archive)
    for name in index["files"]:
        if (data := _unpacked(index, blob, name))[:4] == _ELF:
            yield _saved(folder / name, data)


def glibc_floor(program: Path) -> tuple[tuple[int, int], str]:
    """The oldest glibc that all objects run with, and the name of one that asks for it."""
    with tempfile.TemporaryDirectory() as folder:
        return max((glibc(path), path.name) for path in objects(program, Path(folder)))


def _contents(program: Path) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of everything, as they are when they are not compressed."""
    archive = CArchiveReader(str(program))
    for name, (*_, kind) in archive.toc.items():
        if kind in ("z", "Z") and name.startswith("PYZ"):
            modules = archive.open_embedded_archive(name)
            yield from ((module, modules.extract(module, raw=True)) for module in modules.toc)
        elif name.endswith(".zip"):
            yield from _unzipped(name, archive.extract(name))
        elif name != NAME:
            yield name, archive.extract(name)
    index, blob = _payload(archive)
    for name in index["files"]:
        data = _unpacked(index, blob, name)
        yield from _unzipped(name, data) if name.endswith(".zip") else [(name, data)]

    for name, (offset, size, _) in index["code"].items():
        yield name, blob[offset : offset + size]


def _unpacked(index: dict[str, Any], blob: bytes, name: str) -> bytes:
    offset, size = index["files"][name]
    data = blob[offset : offset + size]
    return zlib.decompress(data) if name in index["packed"] else data


def _unzipped(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from ((f"{name}/{member}", archive.read(member)) for member in archive.namelist())


def glibc(path: Path) -> tuple[int, int]:
    """The newest version of glibc's symbols that an ELF file asks for: (0, 0) if for none."""
    done = subprocess.run(["readelf", "-VW", str(path)], capture_output=True, text=True, check=True)
    return max(((int(major), int(minor)) for major, minor in _VERSION.findall(done.stdout)), default=(0, 0))


def _payload(archive: CArchiveReader) -> tuple[dict[str, Any], bytes]:
    """The index, and the bytes that it points into."""
    data: bytes = archive.extract(NAME)
    length = int.from_bytes(data[:8], "little")
    return marshal.loads(data[8 : 8 + length]), data[8 + length :]


def _payload_pieces(payload: tuple[dict[str, Any], bytes]) -> Iterator[Piece]:
    index, _ = payload
    extensions = {path for path, _libraries in index["modules"].values()}
    for name, (_offset, size) in index["files"].items():
        is_module = name in extensions
        yield Piece(module_name(name) if is_module else name, size, "module" if is_module else "file")
    for name, (_offset, size, *_) in index["code"].items():
        yield Piece(name, size, "module")


def _saved(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
