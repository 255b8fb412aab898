"""Writing below an open folder, never through a link, whatever stands there already."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from typing import Final, NamedTuple

from gofer.archive.entry import Entry, encoded
from gofer.engines.scheduler.process_order import Owner

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER_MODE: Final = 0o755


class Small(NamedTuple):
    """An entry that is written at once. `data` is empty for what is no file."""

    entry: Entry
    data: bytes


class Writer:
    """Writes entries below an open folder. Every method raises OSError; none follows a link."""

    def __init__(self, root: int, owner: Owner | None) -> None:
        self._root = root
        self._owner = owner
        self._open = -1

    def close(self) -> None:
        """Close the folder."""
        if self._open != -1:
            os.close(self._open)
        os.close(self._root)

    def write(self, batch: list[Small]) -> None:
        """Several entries, one after the other."""
        for entry, data in batch:
            if entry.kind == "file":
                self.begin(entry)
                self.add(data)
                self.end(entry)
            else:
                self._other(entry)

    def begin(self, entry: Entry) -> None:
        """A file, whose bytes follow."""
        parent, name = self._parent(entry.name)
        try:
            _clear(name, parent)
            self._open = os.open(name, _NEW, 0o600, dir_fd=parent)
        finally:
            os.close(parent)

    def add(self, data: bytes) -> None:
        """More bytes of the file."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._open, rest) :]

    def end(self, entry: Entry) -> None:
        """No more bytes of the file."""
        fd, self._open = self._open, -1
        try:
            self._settle(fd, entry)
        finally:
            os.close(fd)

    def _other(self, entry: Entry) -> None:
        parent, name = self._parent(entry.name)
        try:
            if entry.kind == "folder":
                self._folder(entry, name, parent)
                return
            _clear(name, parent)
            if entry.kind == "link":
                os.symlink(encoded(entry.target), name, dir_fd=parent)
                if self._owner is not None:
                    os.chown(name, self._owner.uid, self._owner.gid, dir_fd=parent, follow_symlinks=False)
            else:
                self._hard_link(entry, name, parent)
        finally:
            os.close(parent)

    def _folder(self, entry: Entry, name: bytes, parent: int) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
        fd = os.open(name, _FOLDER, dir_fd=parent)
        try:
            self._settle(fd, entry)
        finally:
            os.close(fd)

    def _hard_link(self, entry: Entry, name: bytes, parent: int) -> None:
        there, target = self._parent(entry.target)
        try:
            os.link(target, name, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(there)

    def _settle(self, fd: int, entry: Entry) -> None:
        if self._owner is not None:
            os.fchown(fd, self._owner.uid, self._owner.gid)
        os.fchmod(fd, entry.mode & 0o777)
        if entry.kind == "file":
            os.utime(fd, (entry.at, entry.at))

    def _parent(self, name: str) -> tuple[int, bytes]:
        folder, _, last = encoded(name).rpartition(b"/")
        return open_below(self._root, folder, lambda part, fd: make_folder(part, fd, self._owner)), last


def open_below(root: int, where: bytes, missing: Callable[[bytes, int], None] | None = None) -> int:
    """Open the folder at a relative path without following a link. `missing` makes a folder that is not there.

    Raises OSError.
    """
    present = os.dup(root)
    for part in where.split(b"/"):
        if part in (b"", b"."):
            continue
        try:
            try:
                below = os.open(part, _FOLDER, dir_fd=present)
            except FileNotFoundError:
                if missing is None:
                    raise
                missing(part, present)
                below = os.open(part, _FOLDER, dir_fd=present)
        finally:
            os.close(present)
        present = below
    return present


def make_folder(name: bytes, parent: int, owner: Owner | None) -> None:
    """Make a folder below an open one. Raises OSError."""
    os.mkdir(name, _FOLDER_MODE, dir_fd=parent)
    if owner is not None:
        os.chown(name, owner.uid, owner.gid, dir_fd=parent, follow_symlinks=False)


def _clear(name: bytes, parent: int) -> None:
    """Take away what is in the place of a file or link. Raises IsADirectoryError for a folder."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.unlink(name, dir_fd=parent)
