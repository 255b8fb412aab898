"""What a job has left in its scratch folder, read while nothing but luck keeps others from changing it.

No link is followed, and what is opened is looked at again before it is read: between two looks a file may have become a
named pipe, at which a reader would wait for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from itertools import islice
from typing import Final, NamedTuple

from gofer.archive.entry import DEEPEST, Entry, Kind, Member, decoded, encoded, held, nothing, visible
from gofer.engines.scheduler.process_launcher import unavailable
from gofer.engines.scheduler.process_thread import in_thread, open_in_thread
from gofer.engines.scheduler.process_write import open_below
from gofer.errors import Conflict, GoferError, NotFound

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SMALL: Final = 64 * 1024
_PIECE: Final = 256 * 1024
_AT_ONCE: Final = 16
_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


class _Found(NamedTuple):
    """`data`: of a small file; None where the bytes are still in the file at `path`, relative to the open folder."""

    entry: Entry
    data: bytes | None
    path: bytes


async def collect(scratch: str, where: str) -> AsyncGenerator[Member, None]:
    """See `base.Scheduler.collect`. `where` is relative to the scratch folder."""
    try:
        root = await open_in_thread(lambda: os.open(scratch, _FOLDER))
    except OSError as error:
        raise _explained(where, error) from error
    try:
        walk = _Walk(root).all(encoded(where))
        begun = False
        while found := await _next(where, walk, begun=begun):
            begun = True
            for one in found:
                yield Member(one.entry, _content(root, where, one))
    finally:
        os.close(root)


async def _next(where: str, walk: Iterator[_Found], *, begun: bool) -> list[_Found]:
    try:
        return await in_thread(lambda: list(islice(walk, _AT_ONCE)))
    except OSError as error:
        raise _explained(where, error, begun=begun) from error


def _content(root: int, where: str, found: _Found) -> AsyncIterator[bytes]:
    if found.entry.kind != "file":
        return nothing()
    return held(found.data) if found.data is not None else _pieces(root, where, found)


async def _pieces(root: int, where: str, found: _Found) -> AsyncGenerator[bytes, None]:
    left = found.entry.size
    try:
        fd = await open_in_thread(lambda: _open_file(root, found.path))
        try:
            while left:
                size = min(left, _PIECE)
                piece = await in_thread(lambda size=size: os.read(fd, size))  # type: ignore[misc]
                if not piece:
                    raise _changed(found.path)
                left -= len(piece)
                yield piece
        finally:
            os.close(fd)
    except OSError as error:
        raise _explained(where, error, begun=True) from error


class _Walk:
    """Below an open folder. Files that have several names are given once, and then as hard links."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._owner = os.fstat(root).st_uid
        self._seen: dict[tuple[int, int], str] = {}

    def all(self, where: bytes) -> Iterator[_Found]:
        """The thing itself, and all below it by name. Raises OSError."""
        folder, _, name = where.rpartition(b"/")
        if name in (b"", b"."):
            # The scratch folder itself: it has a name of Gofer's.
            folder, name = b".", b"."
        parent = open_below(self._root, folder)
        try:
            yield from self._one(parent, where, name, decoded(name))
        finally:
            os.close(parent)

    def _one(self, parent: int, path: bytes, name: bytes, shown: str) -> Iterator[_Found]:
        info = os.stat(name, dir_fd=parent, follow_symlinks=False)
        entry = self._entry(parent, name, shown, info)
        data = b""
        if entry.kind == "file" and entry.size > _SMALL:
            yield _Found(entry, None, path)
            return
        if entry.kind == "file":
            data = _small(parent, name, entry, path, self._owner)
        yield _Found(entry, data, path)
        if entry.kind == "folder":
            if shown.count("/") >= DEEPEST:
                raise Conflict(f"{visible(shown)} has folders more than {DEEPEST} deep", "Pack them with tar first.")
            fd = os.open(name, _FOLDER, dir_fd=parent)
            try:
                for below in sorted(encoded(n) for n in os.listdir(fd)):  # noqa: PTH208
                    yield from self._one(fd, path + b"/" + below, below, f"{shown}/{decoded(below)}")
            finally:
                os.close(fd)

    def _entry(self, parent: int, name: bytes, shown: str, info: os.stat_result) -> Entry:
        at = max(0, int(info.st_mtime))
        if not stat.S_ISREG(info.st_mode):
            kind: Kind = "folder" if stat.S_ISDIR(info.st_mode) else "link" if stat.S_ISLNK(info.st_mode) else "special"
            target = decoded(os.readlink(name, dir_fd=parent)) if kind == "link" else ""
            return Entry(shown, kind, 0, stat.S_IMODE(info.st_mode), at, target)
        if info.st_nlink > 1:
            if _is_foreign(info, self._owner):
                raise PermissionError(errno.EPERM, "it is a hard link to somebody else's file", decoded(name))
            before = self._seen.setdefault((info.st_dev, info.st_ino), shown)
            if before != shown:
                return Entry(shown, "hard_link", 0, stat.S_IMODE(info.st_mode), at, before)
        return Entry(shown, "file", info.st_size, stat.S_IMODE(info.st_mode), at)


def _small(parent: int, name: bytes, entry: Entry, path: bytes, owner: int) -> bytes:
    fd = os.open(name, _FILE, dir_fd=parent)
    try:
        if not _is_fit(os.fstat(fd), owner):
            raise _changed(path)
        data = os.read(fd, _SMALL + 1)
    finally:
        os.close(fd)
    if len(data) != entry.size:
        raise _changed(path)
    return data


def _open_file(root: int, path: bytes) -> int:
    folder, _, name = path.rpartition(b"/")
    parent = open_below(root, folder)
    try:
        fd = os.open(name, _FILE, dir_fd=parent)
    finally:
        os.close(parent)
    if not _is_fit(os.fstat(fd), os.fstat(root).st_uid):
        os.close(fd)
        raise _changed(path)
    return fd


def _is_fit(info: os.stat_result, owner: int) -> bool:
    """Whether what was opened is a file that may be read: it may have been put there since it was looked at."""
    return stat.S_ISREG(info.st_mode) and not _is_foreign(info, owner)


def _is_foreign(info: os.stat_result, owner: int) -> bool:
    """Whether it is a second name for a file of somebody else, which the job itself perhaps could not read."""
    return info.st_nlink > 1 and info.st_uid != owner


def _changed(path: bytes) -> Conflict:
    return Conflict(f"{visible(decoded(path))} changed while it was read", "Something of the job still writes there.")


def _explained(where: str, error: OSError, *, begun: bool = False) -> GoferError:
    if error.errno in _ABSENT and begun:
        return _changed(encoded(where))
    if error.errno in _ABSENT:
        return NotFound(f"there is no {visible(where)} in the scratch folder")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Conflict(f"{visible(where)} cannot be read: {error.strerror or error}", "Gofer's user must be able to.")
    return unavailable(error)
