"""Removes what a one-file program that was killed has left in the folder for temporary files."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gofer.frozen.process import MARK

# Between the bootloader's making a folder and Python's locking it pass some milliseconds.
_OLD_ENOUGH = 60.0
_NAME = "_MEI*"


def sweep(now: float | None = None) -> list[Path]:
    """Remove the folders of this user's Gofers that live no more; returns them. `now` in seconds since the epoch.

    A folder is Gofer's if it holds the file MARK, and is in use while somebody has it locked.
    """
    own = Path(sys._MEIPASS)  # type: ignore[attr-defined]
    latest = (time.time() if now is None else now) - _OLD_ENOUGH
    return [folder for folder in own.parent.glob(_NAME) if folder != own and _is_stale(folder, latest) and _go(folder)]


def _is_stale(folder: Path, latest: float) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    is_old = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and found.st_mtime < latest
    return is_old and (folder / MARK).exists()


def _go(folder: Path) -> bool:
    for _ in _unused(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return True
    return False


def _unused(folder: Path) -> Iterator[None]:
    """Yields once, with the lock held, if nobody else holds it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(descriptor)
