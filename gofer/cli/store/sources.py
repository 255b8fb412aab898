"""What `put` is given: values, files, stdin."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import plain
from gofer.models.ids import ID_HINT, is_id, shown

_PIECE = 256 * 1024
BYTES = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
# What a file is called by whose contents are packed: its type is the packing's, not that of what is in it.
_PACKED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/x-brotli",
    "compress": "application/x-compress",
}


class Value:
    """A value of the command line, byte for byte."""

    repeatable = True

    def __init__(self, text: str) -> None:
        self._data = os.fsencode(text)
        self.size: int | None = len(self._data)

    @property
    def content_type(self) -> str:
        try:
            self._data.decode()
        except UnicodeDecodeError:
            return BYTES
        return TEXT

    def read(self) -> tuple[int | None, Iterator[bytes]]:
        return len(self._data), iter([self._data] if self._data else [])


class File:
    """A file, or a pipe that has a name. `size` is None for a pipe."""

    def __init__(self, path: str) -> None:
        """Raises CommandError for one that cannot be read."""
        self._path = path
        info = self._look()
        self.repeatable = stat.S_ISREG(info.st_mode)
        self.size = info.st_size if self.repeatable else None

    @property
    def content_type(self) -> str:
        """As its name says, the same on every machine."""
        from mimetypes import MimeTypes

        kind, packing = MimeTypes().guess_type(Path(self._path).name, strict=False)
        return _PACKED.get(packing, BYTES) if packing else kind or BYTES

    def read(self) -> tuple[int | None, Iterator[bytes]]:
        descriptor = self._open()
        info = os.fstat(descriptor)
        name = plain(self._path)
        if stat.S_ISREG(info.st_mode):
            return info.st_size, _closing(descriptor, _whole(descriptor, info, name))
        return None, _closing(descriptor, _stream(descriptor, name))

    def _look(self) -> os.stat_result:
        """What it is. A pipe is not opened for that: who writes to it would take that for its reader."""
        try:
            info = Path(self._path).stat()
        except OSError as error:
            raise self._unreadable(error) from None
        if stat.S_ISDIR(info.st_mode):
            hint = f"Pack it, and send that: tar -C {plain(self._path)} -cz . | gofer …"
            raise CommandError(f"{plain(self._path)} is a folder", hint, exit_code=ExitCode.USAGE)
        if stat.S_ISREG(info.st_mode):
            os.close(self._open())
        return info

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> CommandError:
        return CommandError(
            f"{plain(self._path)} cannot be read: {error.strerror}",
            "Behind KEY=@ stands the name of a file. A value that begins with @ is written with two: KEY=@@VALUE",
            exit_code=ExitCode.USAGE,
        )


class Stdin:
    """What comes on stdin, up to its end."""

    content_type = BYTES

    def __init__(self) -> None:
        """Raises CommandError where stdin is closed."""
        if sys.stdin is None:
            raise CommandError("stdin is closed", "Give it a file or a pipe.", exit_code=ExitCode.USAGE)
        self._descriptor = sys.stdin.fileno()
        info = os.fstat(self._descriptor)
        self.repeatable = stat.S_ISREG(info.st_mode)
        self._start = os.lseek(self._descriptor, 0, os.SEEK_CUR) if self.repeatable else 0
        self.size = max(0, info.st_size - self._start) if self.repeatable else None

    def read(self) -> tuple[int | None, Iterator[bytes]]:
        if not self.repeatable:
            return None, _stream(self._descriptor, "stdin")
        os.lseek(self._descriptor, self._start, os.SEEK_SET)
        info = os.fstat(self._descriptor)
        return max(0, info.st_size - self._start), _whole(self._descriptor, info, "stdin", self._start)


Source = Value | File | Stdin


class Given(NamedTuple):
    """An object to be: `key`, and what it shall hold."""

    key: str
    source: Source


def parse(words: Sequence[str]) -> list[Given]:
    """What the arguments `KEY=VALUE`, `KEY=@FILE`, `KEY=-` and `KEY` name; every file can be read.

    Raises click.BadParameter or CommandError before anything is sent.
    """
    given: dict[str, Source] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not is_id(key):
            raise _bad(f"{shown(key)} is not a key. {ID_HINT} Expected KEY=VALUE, KEY=@FILE, KEY=- or KEY")
        if key in given:
            raise _bad(f'"{key}" was given twice')
        source = _source(value if separator else "-")
        if isinstance(source, Stdin) and any(isinstance(other, Stdin) for other in given.values()):
            raise _bad("only one of the objects can come from stdin")
        given[key] = source
    return [Given(key, source) for key, source in given.items()]


def _source(value: str) -> Source:
    if value in ("-", "@-"):
        return Stdin()
    if value.startswith("@@"):
        return Value(value[1:])
    if value == "@":
        raise _bad("behind @ stands the name of a file; a lone @ as a value is written @@")
    return File(value[1:]) if value.startswith("@") else Value(value)


def _bad(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="'KEY=VALUE'")


def _closing(descriptor: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    finally:
        os.close(descriptor)


def _stream(descriptor: int, name: str) -> Iterator[bytes]:
    while piece := _read(descriptor, _PIECE, name):
        yield piece


def _whole(descriptor: int, info: os.stat_result, name: str, start: int = 0) -> Iterator[bytes]:
    """As many bytes as the file had; the last of them only if nobody has changed it meanwhile."""
    left = info.st_size - start
    while left > 0:
        piece = _read(descriptor, min(left, _PIECE), name)
        left -= len(piece)
        now = os.fstat(descriptor)
        if not piece or (left == 0 and (now.st_size, now.st_mtime_ns) != (info.st_size, info.st_mtime_ns)):
            raise CommandError(
                f"{name} was changed while it was sent",
                "Nothing was kept. Put it again when nobody writes to it, or put a copy of it.",
                exit_code=ExitCode.USAGE,
            )
        yield piece


def _read(descriptor: int, size: int, name: str) -> bytes:
    try:
        return os.read(descriptor, size)
    except OSError as error:
        raise CommandError(
            f"{name} cannot be read: {error.strerror}", "Nothing was kept.", exit_code=ExitCode.USAGE
        ) from None
