"""A copy of a database of the moment at which it was begun."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from gofer.errors import StoreFull, Unavailable
from gofer.models.units import format_size
from gofer.server.own_log import get_logger
from gofer.sqlite.faults import fault

_STEPS_BETWEEN_LOOKS = 20_000
_MOST_RESERVE = 256 * 1024 * 1024


class Stopped(Exception):
    """The copy is wanted no more."""


def copy_database(path: Path, target: Path, stop: threading.Event) -> None:
    """Write a compact copy of the SQLite database at `path`, while others read and write it.

    One read transaction of SQLite's `VACUUM INTO`: writers never wait for it, and unlike the backup API it need not
    begin anew when one of them commits. It reads every page, so that a damaged database is noticed. May take long; ends
    early, with Stopped, when `stop` is set. Raises StoreFull, other GoferErrors, OSError; no file is left then.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.set_progress_handler(lambda: int(stop.is_set()), _STEPS_BETWEEN_LOOKS)
        connection.execute("VACUUM INTO ?", (str(target),))
    except BaseException as error:
        target.unlink(missing_ok=True)
        if stop.is_set():
            raise Stopped from None
        raise _explained(error, path) from error
    finally:
        connection.close()


def require_space(paths: Sequence[Path], folder: Path) -> None:
    """Raises StoreFull if copies of `paths` in `folder` would leave the server too little room to go on with."""
    needed = sum(_size(path.with_name(path.name + tail)) for path in paths for tail in ("", "-wal"))
    disk = shutil.disk_usage(folder)
    reserve = min(_MOST_RESERVE, disk.total // 20)
    if disk.free < needed + reserve:
        raise StoreFull(
            f"A backup needs a passing copy of the database, {format_size(needed)} in {folder}, and"
            f" {format_size(disk.free)} are free on that disk.",
            f"Make room: {format_size(reserve)} must be left for the server itself. Nothing was changed.",
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _explained(error: BaseException, path: Path) -> BaseException:
    """The error that callers see."""
    if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
        return StoreFull(
            "There is no room for the copy of the database that a backup needs.",
            f"Make room on the disk of {path.parent}. Nothing was changed.",
        )
    return fault(error, path) or error


def make_folder(folder: Path) -> None:
    """Make the folder of the copy. Raises StoreFull or Unavailable."""
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        kind = StoreFull if error.errno == errno.ENOSPC else Unavailable
        raise kind(
            f"The copy that a backup needs cannot be made in {folder.parent}: {error.strerror}",
            "Look at the disk and its permissions. Nothing was changed.",
        ) from error


def sweep(folder: Path) -> None:
    """Remove what a backup has needed, also one whose server died. Never raises: the next start tries again."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        get_logger("gofer.backup").warning("a passing copy stays", folder=str(folder), error=str(error))
