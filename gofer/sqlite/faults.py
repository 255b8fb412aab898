"""What an error of SQLite means to Gofer."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from gofer.errors import GoferError, StoreBusy, StoreFull, Unavailable

_LOW_SPACE = 256 * 1024
_FULL_HINT = "Free some space on that disk. Gofer goes on by itself; nothing that was acknowledged is lost."
_BUSY_HINT = "End the other program (an sqlite3 shell or a backup, for example). Gofer goes on by itself."
_DAMAGED_HINT = (
    "Stop Gofer, keep a copy of the folder, and put back a backup: gofer service restore FILE --force. "
    "Without one, try `sqlite3 <file> .recover`."
)
_PASSING = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def fault(error: BaseException, path: Path) -> GoferError | None:
    """The error that callers see, if `error` says that the database at `path` itself is in trouble; None otherwise.

    `Unavailable` (with `StoreFull` and `StoreBusy`) may pass by itself; any other GoferError does not.
    """
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"The database {path} is locked by another program", _BUSY_HINT)
    if code == sqlite3.SQLITE_FULL or (code in _PASSING and _free(path) < _LOW_SPACE):
        return StoreFull(f"The disk that holds {path} is full", _FULL_HINT)
    if code in _PASSING:
        return Unavailable(f"The database {path} cannot be used now: {error}", "Look at the disk and its permissions.")
    return damage(error, path)


def damage(error: sqlite3.Error, path: Path) -> GoferError | None:
    """The error that callers see, if `error` says that the database at `path` is damaged for good; None otherwise."""
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _DAMAGED:
        return GoferError(f"The database {path} is damaged: {error}", _DAMAGED_HINT)
    return None


def _free(path: Path) -> int:
    """Bytes that the file's disk still takes."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return _LOW_SPACE
    return disk.f_bavail * disk.f_frsize
