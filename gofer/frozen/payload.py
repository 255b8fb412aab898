"""The part of the one-file program that is unpacked piece by piece, each when it is first needed.

PyInstaller's bootloader unpacks everything it carries at every start, which costs more than most commands do. It is
given only what Python needs to begin; extension modules, their libraries and data files are in one member that it
leaves alone, and a finder takes them from there when the module (for data: the package they lie in) is imported. The
modules that the command line needs are there as well, not compressed: they load a third faster.
"""

from __future__ import annotations

import marshal
import os
import sys

# What importlib.machinery and importlib.util hand on; those load ten modules more.
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import ExtensionFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, ModuleType
    from typing import Any, BinaryIO

NAME = "gofer-payload"
# The trailer of PyInstaller's archive, as its documentation of the CArchive format has it: magic, length of the
# archive, place and length of its table, Python's version, name of its library.
_MAGIC = b"MEI\014\013\012\013\016"
_COOKIE = 8 + 4 * 4 + 64
_TAIL = 64 * 1024
_PIECE = 64 * 1024
_ENTRY = 4 * 4 + 1 + 1


class NotUnpacked(Exception):
    """A piece cannot be written to the folder for temporary files. No ImportError: to those, libraries shut an eye."""

    def __init__(self, target: str, error: OSError) -> None:
        super().__init__(f"cannot unpack {target}: {error.strerror}")
        self.hint = "Make room there, or set TMPDIR to a folder that has room and from which programs may be run."


class Payload:
    """The payload of the executable at `program`, unpacked into `folder`.

    Written by packaging/freeze/payload.py: eight bytes with the length of a marshalled index, the index, the bytes of
    the files. The index has `files`: path to (offset, size); `packed`: those of the paths whose bytes are a stream of
    zlib's; `links`: path to target; `modules`: name of an extension
    module to (path, paths of the libraries that it needs); `code`: name of a module to (offset, size, whether it is a
    package); `data`: package to the paths of its data files.
    """

    def __init__(self, program: str, folder: str) -> None:
        self.folder = folder
        self._program = program
        self._file: BinaryIO | None = None
        self._index: dict[str, Any] = {}
        self._start = 0

    def open(self) -> None:
        """Read the index. Raises RuntimeError if the executable is damaged."""
        self._file = file = open(self._program, "rb", buffering=0)  # noqa: PTH123, SIM115  # for the process's life
        begin = _find(file, NAME)
        file.seek(begin)
        length = int.from_bytes(file.read(8), "little")
        self._index = marshal.loads(file.read(length))  # noqa: S302  # our own file
        self._start = begin + 8 + length

    def module(self, name: str) -> str | None:
        """The path of an extension module, which is there when this returns; None if the payload has none so named.

        Raises NotUnpacked."""
        found = self._index["modules"].get(name)
        if found is None:
            return None
        path, libraries = found
        self._unpack([*libraries, path])
        return f"{self.folder}/{path}"

    def is_package(self, name: str) -> bool | None:
        """Whether a module of Python code is a package; None if the payload has none so named."""
        found = self._index["code"].get(name)
        return None if found is None else found[2]

    def code(self, name: str) -> CodeType:
        """The code of a module that the payload has."""
        offset, size, _ = self._index["code"][name]
        code: CodeType = marshal.loads(self._read(offset, size))  # noqa: S302  # our own file
        return code

    def data(self, package: str) -> None:
        """Unpack the data files of a package. Raises NotUnpacked."""
        paths = self._index["data"].get(package)
        if paths:
            self._unpack(paths)

    def _read(self, offset: int, size: int) -> bytes:
        assert self._file is not None
        return os.pread(self._file.fileno(), size, self._start + offset)

    def _unpack(self, paths: list[str]) -> None:
        for path in paths:
            target = f"{self.folder}/{path}"
            if os.path.lexists(target):
                continue
            # A name of its own until it is whole: a child of this process may be after the same file.
            unfinished = f"{target}~{os.getpid()}"
            try:
                self._put(path, unfinished)
                os.rename(unfinished, target)  # noqa: PTH104
            except OSError as error:
                _forget(unfinished)
                raise NotUnpacked(target, error) from error

    def _put(self, path: str, target: str) -> None:
        os.makedirs(target.rpartition("/")[0], mode=0o700, exist_ok=True)  # noqa: PTH103
        if path in self._index["links"]:
            os.symlink(self._index["links"][path], target)  # noqa: PTH211
            return
        with open(target, "wb", buffering=0) as out:  # noqa: PTH123
            for piece in self._pieces(path):
                rest = memoryview(piece)
                while rest:
                    # On a disk that is almost full it takes what fits, and says so only when asked for more.
                    rest = rest[out.write(rest) :]

    def _pieces(self, path: str) -> Iterator[bytes]:
        offset, size = self._index["files"][path]
        if path not in self._index["packed"]:
            yield self._read(offset, size)
            return
        import zlib

        unpacking = zlib.decompressobj()
        for begin in range(offset, offset + size, _PIECE):
            yield unpacking.decompress(self._read(begin, min(_PIECE, offset + size - begin)))
        yield unpacking.flush()


class CodeLoader:
    """Loads a module of Python code from a payload, as importlib's loaders do."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload

    def create_module(self, _spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._payload.code(module.__name__), module.__dict__)  # noqa: S102

    def get_code(self, name: str) -> CodeType:
        return self._payload.code(name)

    def is_package(self, name: str) -> bool:
        return bool(self._payload.is_package(name))

    def get_source(self, _name: str) -> None:
        return None


class Finder:
    """Finds the modules of a payload, and unpacks the data files of a package as it is imported."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self._loader = CodeLoader(payload)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """As importlib's meta path finders do."""
        payload = self._payload
        payload.data(name)
        is_package = payload.is_package(name)
        if is_package is not None:
            return self._spec_of_code(name, is_package)
        path = payload.module(name)
        if path is None:
            return None
        spec = ModuleSpec(name, ExtensionFileLoader(name, path), origin=path)
        spec.has_location = True
        return spec

    def _spec_of_code(self, name: str, is_package: bool) -> ModuleSpec:
        place = f"{self._payload.folder}/{name.replace('.', '/')}"
        file = f"{place}/__init__.pyc" if is_package else f"{place}.pyc"
        spec = ModuleSpec(name, self._loader, origin=file, is_package=is_package)  # type: ignore[arg-type]
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [place]
        return spec


def _forget(path: str) -> None:
    # (contextlib would cost every command some milliseconds.)
    try:  # noqa: SIM105
        os.unlink(path)  # noqa: PTH108
    except OSError:
        pass


def _find(file: BinaryIO, wanted: str) -> int:
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
