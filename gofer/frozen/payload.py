"""The part of the one-file program that is unpacked piece by piece, each when it is first needed.

PyInstaller's bootloader unpacks everything it carries at every start, which costs more than most commands do. It is
given only what Python needs to begin; extension modules, their libraries and data files are in one member that it
leaves alone, and a finder takes them from there when the module (for data: the package they lie in) is imported.
"""

from __future__ import annotations

import marshal
import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from typing import Any

NAME = "gofer-payload"
# The trailer of PyInstaller's archive, as its documentation of the CArchive format has it: magic, length of the
# archive, place and length of its table, Python's version, name of its library.
_MAGIC = b"MEI\014\013\012\013\016"
_COOKIE = 8 + 4 * 4 + 64
_TAIL = 64 * 1024
_ENTRY = 4 * 4 + 1 + 1


class Payload:
    """The payload of the executable at `program`, unpacked into `folder`.

    Written by packaging/freeze/payload.py: eight bytes with the length of a marshalled index, the index, the bytes of
    the files. The index has `files`: path to (offset, size); `links`: path to target; `modules`: name to (path, paths
    of the libraries that it needs); `data`: package to the paths of its data files.
    """

    def __init__(self, program: str, folder: str) -> None:
        self._program = program
        self._folder = folder
        self._index: dict[str, Any] | None = None
        self._start = 0

    def module(self, name: str) -> str | None:
        """The path of an extension module, which is there when this returns; None if the payload has none so named."""
        found = self._opened()["modules"].get(name)
        if found is None:
            return None
        path, libraries = found
        self._unpack([*libraries, path])
        return os.path.join(self._folder, path)  # noqa: PTH118  # pathlib is not loaded yet

    def data(self, package: str) -> None:
        """Unpack the data files of a package."""
        paths = self._opened()["data"].get(package)
        if paths:
            self._unpack(paths)

    def _opened(self) -> dict[str, Any]:
        if self._index is None:
            with open(self._program, "rb") as file:  # noqa: PTH123
                begin = _find(file, NAME)
                file.seek(begin)
                length = int.from_bytes(file.read(8), "little")
                self._index = marshal.loads(file.read(length))  # noqa: S302  # our own file
            self._start = begin + 8 + length
        return self._index

    def _unpack(self, paths: list[str]) -> None:
        index = self._opened()
        missing = [path for path in paths if not os.path.lexists(os.path.join(self._folder, path))]  # noqa: PTH118
        if not missing:
            return
        with open(self._program, "rb") as file:  # noqa: PTH123
            for path in missing:
                target = os.path.join(self._folder, path)  # noqa: PTH118
                # A name of its own until it is whole: a child of this process may be after the same file.
                unfinished = f"{target}.{os.getpid()}"
                os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
                if path in index["links"]:
                    os.symlink(index["links"][path], unfinished)  # noqa: PTH211
                else:
                    offset, size = index["files"][path]
                    file.seek(self._start + offset)
                    with open(unfinished, "wb", buffering=0) as out:  # noqa: PTH123
                        out.write(file.read(size))
                os.rename(unfinished, target)  # noqa: PTH104


class Finder:
    """Finds the extension modules of a payload, and unpacks the data files of a package as it is imported."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """As importlib's meta path finders do."""
        path = self._payload.module(name)
        if path is not None:
            return spec_from_file_location(name, path, loader=ExtensionFileLoader(name, path))
        self._payload.data(name)
        return None


def _find(file: Any, wanted: str) -> int:
    """Where a member of PyInstaller's archive begins in the executable. Raises RuntimeError."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _TAIL))
    tail = file.read()
    at = tail.rfind(_MAGIC)
    if at < 0:
        raise RuntimeError(f"{sys.executable} is damaged: its archive was not found. Download it again.")
    length, table, table_length = (int.from_bytes(tail[at + 8 + 4 * n : at + 12 + 4 * n], "big") for n in range(3))
    begin: int = end - len(tail) + at + _COOKIE - length
    file.seek(begin + table)
    entries = file.read(table_length)
    at = 0
    while at < table_length:
        size, position = (int.from_bytes(entries[at + 4 * n : at + 4 * n + 4], "big") for n in range(2))
        if entries[at + _ENTRY : at + size].rstrip(b"\0") == wanted.encode():
            return begin + position
        at += size
    raise RuntimeError(f"{sys.executable} is damaged: its payload was not found. Download it again.")
