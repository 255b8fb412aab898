"""Restoring a backup onto the folder of a server that does not run."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from gofer.archive.read import read_archive
from gofer.engines.object_store.base import ObjectStore
from gofer.errors import ConfigError, Conflict, GoferError, StoreFull
from gofer.models.backup import Backup
from gofer.models.units import format_size
from gofer.server.backup import swap
from gofer.server.backup.layout import DATABASE, SECRETS, Place
from gofer.server.backup.put_back import CheckedContents, PutBack
from gofer.server.backup.unpack import Unpack, check_database, check_secrets
from gofer.server.logs import folder as logs
from gofer.server.logs.owner import MARKER, require_unused
from gofer.server.store import meta
from gofer.server.store.backup import has_objects
from gofer.sqlite.faults import fault
from gofer.sqlite.lock import Lock

EVENTS_LEFT_OUT = 100_000
"""A restored server numbers its events on from so far above the highest number that is known to have been used: who has
seen events that the backup does not have must not miss those that come."""

Read = Callable[[int], bytes]


MakeStore = Callable[[str, Path], ObjectStore]
"""Makes the object store of an engine, with its data at its usual place in a folder."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored, where to, and where that is kept which was there before ("" if there was nothing).

    `kept_stores`: further folders, where secrets or objects are kept elsewhere.
    """

    backup: Backup
    storage_path: str
    logs_path: str
    kept: str
    kept_logs: str
    kept_stores: list[str]


def verify(read: Read) -> Backup:
    """Check an archive from its first to its last byte, and the database in it, without restoring it.

    The database passes through the folder for temporary files. Raises InvalidArchive, StoreFull, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="gofer-verify-") as folder:
        try:
            sink, objects = Path(folder), CheckedContents()
            return _unpack(read, Unpack(sink, sink, None, objects), objects, sink, sink)
        except OSError as error:
            raise _explained(error, Path(folder), "Set TMPDIR to a folder with more room.") from error


def restore(read: Read, place: Place, make: MakeStore, *, force: bool, size: int | None = None) -> Restored:
    """Unpack and check the archive beside the present data, then put it in their place.

    Secrets that are there go aside even if the archive has none. The object store goes aside unless the archive, taken
    without objects, names contents that may be in it.
    `read` as in `read_archive`; `size`: of the archive in bytes, if known; `force`: also where there is a database,
    which is kept. Raises ConfigError if a server runs there, Conflict without `force`, InvalidArchive, StoreFull and
    others; nothing has been changed then.
    """
    made = _make_folder(place.storage)
    locks = [Lock(place.storage / f"{DATABASE}.lock")]
    # Where a store has no lock file yet, nobody has ever used it.
    locks += [Lock(store.lock, f"store in {store.folder}") for store in place.stores if store.lock.exists()]
    done = False
    try:
        for lock in locks:
            _acquire(lock)
        restored = _restore(read, place, make, force, size)
        done = True
        return restored
    except OSError as error:
        raise _explained(error, place.storage, "Make room, or restore to another folder.") from error
    except sqlite3.Error as error:
        raise fault(error, place.restoring / DATABASE) or error from error
    finally:
        for lock in locks:
            lock.release()
        if made and not done:
            _remove_folder(place)


def _restore(read: Read, place: Place, make: MakeStore, force: bool, size: int | None) -> Restored:
    require_unused(place.logs)
    swap.finish(place)
    if place.database.exists() and not force:
        raise Conflict(
            f"There is a database in {place.storage} already.",
            "Restore to an empty folder with --storage, or give --force: then it is replaced, and kept beside.",
        )
    if not force and any(logs.holds_only_logs(place.logs, *one) for one in logs.pipelines(place.logs)):
        raise Conflict(
            f"There are logs of runs in {place.logs} already.",
            "Name an empty folder (GOFER_TASK_RUN_LOGS_DIR=FOLDER), or give --force: then they are kept beside.",
        )
    taken = [store.folder for store in place.stores if store.present()]
    if not force and taken:
        raise Conflict(
            f"There are secrets or objects in {taken[0]} already.",
            "Name another place for them in the configuration, or give --force: then they are kept beside.",
        )
    if size is not None and shutil.disk_usage(place.storage).free < size:
        raise StoreFull(f"The backup needs {format_size(size)} in {place.storage}.", "Make room first.")
    try:
        swap.make_restoring(place)
        backup = _unpack_beside(read, place, make)
        _mark(place, backup)
        swap.own_all(place)
        os.sync()
        stores = [place.secrets, *([place.objects] if backup.head.objects or not _has_objects(place) else [])]
        kept = swap.swap(place, stores, datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
    finally:
        # Where there is a plan already, this carries it out; else it removes what was unpacked.
        swap.finish(place)
    return Restored(
        backup=backup,
        storage_path=str(place.storage),
        logs_path=str(place.logs),
        kept=kept.storage,
        kept_logs=kept.logs,
        kept_stores=kept.stores,
    )


def _acquire(lock: Lock) -> None:
    try:
        lock.acquire()
    except ConfigError as error:
        hint = "Stop that server first (systemctl stop gofer), or restore to another folder with --storage."
        raise ConfigError(error.message, hint) from None


def _unpack_beside(read: Read, place: Place, make: MakeStore) -> Backup:
    objects = PutBack(partial(make, place.engine, place.objects.restoring))
    try:
        sink = Unpack(place.restoring, place.secrets.restoring, place.restoring_logs, objects)
        return _unpack(read, sink, objects, place.restoring, place.secrets.restoring)
    finally:
        objects.close()


def _unpack(read: Read, sink: Unpack, objects: CheckedContents, storage: Path, secrets: Path) -> Backup:
    try:
        backup = read_archive(read, sink)
        sink.end()
    finally:
        with suppress(OSError):
            sink.close()
    check_database(storage / DATABASE, backup.head)
    if backup.head.secrets:
        check_secrets(secrets / SECRETS)
    if backup.head.objects:
        objects.check_all(storage / DATABASE)
    return backup


def _has_objects(place: Place) -> bool:
    with closing(sqlite3.connect(place.restoring / DATABASE)) as connection:
        return has_objects(connection)


def _mark(place: Place, backup: Backup) -> None:
    """Leave word for the next start, and make the events' numbers go on above all that were ever given."""
    told = msgspec.json.encode({"backup_at": backup.head.created_at, "backup_by": backup.head.gofer}).decode()
    used = _last_event(place.database)
    with closing(sqlite3.connect(place.restoring / DATABASE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (meta.RESTORED, told))
        last = max(used, _sequence(connection)) + EVENTS_LEFT_OUT
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (last,))
        connection.execute("COMMIT")
    (place.restoring_logs / MARKER).write_text(backup.head.server_id + "\n", "ascii")


def _last_event(path: Path) -> int:
    """The highest number of an event in the present database, 0 if there is none or it cannot be read."""
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _sequence(connection)
    except sqlite3.Error:
        return 0


def _sequence(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return row[0] if row else 0


def _make_folder(folder: Path) -> bool:
    """Returns whether it was not there."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder.", "Name the storage folder of a server.") from None
        return False
    except OSError as error:
        raise ConfigError(f"The folder {folder} cannot be made: {error.strerror}", "Choose another one.") from error
    return True


def _remove_folder(place: Place) -> None:
    """Leave nothing where nothing was."""
    with suppress(OSError):
        (place.storage / f"{DATABASE}.lock").unlink()
    for folder in (place.logs, place.storage / "objects", place.storage):
        with suppress(OSError):
            folder.rmdir()


def _explained(error: OSError, folder: Path, hint: str) -> GoferError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"The disk of {folder} is full: the backup was not restored.", hint)
    what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    return GoferError(f"The backup was not restored: {what}", "Nothing was changed. Look at the permissions.")
