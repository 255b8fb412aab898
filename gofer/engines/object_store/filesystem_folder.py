"""The folder of the `filesystem` object store, and what is done with its files. Everything here blocks."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import uuid
from contextlib import suppress
from pathlib import Path

from gofer.engines.object_store.base import Content, DamagedContent
from gofer.engines.object_store.room import require_room
from gofer.errors import GoferError, StoreFull, Unavailable
from gofer.sqlite.lock import Lock

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_PAIR = re.compile(r"[0-9a-f]{2}\Z")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = {errno.ENOSPC, errno.EDQUOT}
_AGAIN = "Put the object again, or restore a backup: gofer service restore FILE --force."


def prepare(folder: Path, lock: Lock) -> None:
    """Make what is missing, and remove what was being uploaded when the last process ended. Raises ConfigError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock.acquire()
    staging = folder / "staging"
    staging.mkdir(mode=0o700, exist_ok=True)
    for path in staging.iterdir():
        path.unlink()
    _sync(folder)


def claim(folder: Path, server_id: str) -> str:
    """See `base.ObjectStore.claim`."""
    path = folder / "owner"
    with suppress(FileNotFoundError):
        return path.read_text("ascii", "replace").strip()
    passing = staged(folder)
    descriptor = make(passing)
    try:
        os.write(descriptor, server_id.encode("ascii") + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    passing.rename(path)
    _sync(folder)
    return server_id


def touch(folder: Path) -> None:
    """A file can be made and removed."""
    path = staged(folder)
    try:
        os.close(make(path))
    finally:
        path.unlink(missing_ok=True)


def staged(folder: Path) -> Path:
    """Where another upload may be."""
    return folder / "staging" / uuid.uuid4().hex


def make(path: Path) -> int:
    """Make a file that is not there yet; its descriptor."""
    return os.open(path, _MAKE, 0o600)


def write(descriptor: int, data: bytes, folder: Path) -> None:
    """Add all of `data` to a file in `folder`. Raises StoreFull."""
    require_room(folder, len(data))
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def keep(path: Path, descriptor: int, target: Path) -> None:
    """The upload in `path` becomes the content `target`, in place of what is there. On disk when this returns."""
    os.fsync(descriptor)
    for folder in (target.parent.parent, target.parent):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            _sync(folder.parent)
    os.rename(path, target)  # noqa: PTH104
    _sync(target.parent)


def remove(path: Path) -> None:
    """Remove a content, if it is there. On disk when this returns."""
    with suppress(FileNotFoundError):
        path.unlink()
        _sync(path.parent)


def size(path: Path) -> int | None:
    """Of a content, in bytes; None if there is no such file."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def pairs(folder: Path, prefix: str) -> list[str]:
    """The folders for two digits of digests that begin with `prefix`."""
    with suppress(FileNotFoundError, NotADirectoryError):
        names = (path.name for path in folder.iterdir())
        return sorted(name for name in names if _PAIR.match(name) and name.startswith(prefix))
    return []


def contents(folder: Path, prefix: str) -> list[Content]:
    """The contents in one folder whose digests begin with `prefix`."""
    names: list[str] = []
    with suppress(FileNotFoundError, NotADirectoryError):
        names = sorted(path.name for path in folder.iterdir() if _DIGEST.match(path.name))
    begin = folder.parent.name + folder.name
    wanted = (name for name in names if name.startswith(begin) and name.startswith(prefix))
    return [Content(name, held) for name in wanted if (held := size(folder / name)) is not None]


class Reading:
    """A content that is read. It can be removed or replaced meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def open(self) -> int | None:
        """Its size; None if it is not there. Raises DamagedContent for what is no plain file."""
        try:
            self._descriptor = os.open(self._path, _READ)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise damaged(self._path.parent, self._path.name) from error
            raise
        facts = os.fstat(self._descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise damaged(self._path.parent, self._path.name)
        return facts.st_size

    def read(self, at: int, size: int, sha: hashlib._Hash | None) -> bytes:
        """At most `size` bytes, none if the file is shorter; `sha` gets them as well."""
        assert self._descriptor is not None
        data = os.pread(self._descriptor, size, at)
        if sha is not None:
            sha.update(data)
        return data

    def close(self) -> None:
        """Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def damaged(folder: Path, digest: str) -> DamagedContent:
    """What is kept as a content is something else."""
    return DamagedContent(f"The content {digest} in the object store {folder} is not what was put there.", _AGAIN)


def fault(error: OSError, folder: Path) -> GoferError:
    """The error that callers see."""
    if error.errno in _FULL:
        return StoreFull(
            f"The disk that holds the object store {folder} is full",
            "Free some space on that disk, by deleting objects too. Gofer goes on by itself.",
        )
    return Unavailable(
        f"The object store {folder} cannot be used now: {error.strerror or error}",
        "Look at the disk and its permissions.",
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
