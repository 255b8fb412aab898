"""Putting unpacked files into their places: all or, after whatever interrupts it, all at the next start.

Whole folders are not renamed: under systemd or in a container the storage folder's parent belongs to somebody else.
Everything that moves does so within its folder, by renames of which a plan was written to disk before the first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from gofer.errors import ConfigError
from gofer.server.backup.layout import DATABASE, Place, Store
from gofer.server.logs import folder
from gofer.server.logs.owner import MARKER
from gofer.sqlite.lock import Lock

_PLAN = "plan.json"
_TAILS = ("", "-wal", "-shm", "-journal")


class _Plan(msgspec.Struct):
    """`moves`: from, to, in order; `remove`: folders that are empty of use then."""

    moves: list[tuple[str, str]]
    remove: list[str]


class Kept(msgspec.Struct, frozen=True):
    """The folders that hold what was there before; "" where there was nothing."""

    storage: str
    logs: str
    stores: list[str]


def swap(place: Place, stores: Sequence[Store], time: str) -> Kept:
    """Replace the database, the logs and `stores` by what stands in `place.restoring` and the like.

    Keeps what was there in folders named after `time`. Call with the store's lock held, and everything on disk. Raises
    OSError; then nothing was changed, or `finish` will go on with it.
    """
    kept = [Path(place.storage, f"before-restore-{time}"), Path(place.logs, f".before-restore-{time}")]
    old = [(place.storage / f"{DATABASE}{tail}", kept[0] / f"{DATABASE}{tail}") for tail in _TAILS]
    fresh = folder.pipelines(place.restoring_logs)
    old += [(place.logs / name, kept[1] / name) for name in _logs_in_the_way(place.logs, fresh)]
    for store in stores:
        kept.append(store.folder / f"{store.kept}{time}")
        old += [(store.folder / name, kept[-1] / name) for name in store.present()]
    kept = list(dict.fromkeys(kept))
    old = [move for move in old if os.path.lexists(move[0])]
    new = [(place.restoring / DATABASE, place.database)]
    new += [(place.restoring_logs / name, place.logs / name) for name in [*(f"{a}/{b}" for a, b in fresh), MARKER]]
    new += [move for store in stores for move in store.fresh()]
    for one in kept:
        if any(to.is_relative_to(one) for _, to in old):
            one.mkdir(mode=0o700)
            _like(one, one.parent)
    plan = _Plan([(str(a), str(b)) for a, b in [*old, *new]], [str(one) for one in _restoring(place)])
    _write(place.restoring / _PLAN, msgspec.json.encode(plan))
    finish(place)
    storage, logs, *others = (str(one) if one.exists() else "" for one in kept)
    return Kept(storage, logs, [one for one in others if one])


def finish(place: Place) -> bool:
    """Carry out the plan that an interrupted `swap` has left, if there is one; returns whether there was.

    What was unpacked without a plan is removed: nothing was changed then. Raises OSError.
    """
    try:
        plan = msgspec.json.decode((place.restoring / _PLAN).read_bytes(), type=_Plan)
    except FileNotFoundError:
        _clear(place)
        return False
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"The plan {place.restoring / _PLAN} of an interrupted restore cannot be read: {error}",
            "Nothing was moved by it. Remove that folder, and restore the backup again.",
        ) from None
    for source, target in plan.moves:
        # Each is done once: done before, its source is gone, or its target there.
        if os.path.lexists(source) and not os.path.lexists(target):
            _make_folder(Path(target).parent)
            os.rename(source, target)  # noqa: PTH104
    for one in {Path(path).parent for move in plan.moves for path in move}:
        if one.exists():
            _sync(one)
    (place.restoring / _PLAN).unlink()
    for name in plan.remove:
        shutil.rmtree(name, ignore_errors=True)
    return True


def finish_interrupted(place: Place) -> bool:
    """As `finish`, for a server that starts: takes the store's lock for it. Raises ConfigError if it is held."""
    if not any(map(os.path.exists, _restoring(place))):
        return False
    lock = Lock(place.storage / f"{DATABASE}.lock")
    lock.acquire()
    try:
        return finish(place)
    except OSError as error:
        raise ConfigError(
            f"A restore was interrupted, and cannot be finished: {error}",
            "Mend that and start again. What was there before is kept in the folders called before-restore.",
        ) from error
    finally:
        lock.release()


def make_restoring(place: Place) -> None:
    """Make the folders to unpack to. Raises OSError."""
    place.restoring.mkdir(mode=0o700)
    place.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.restoring_logs.mkdir(mode=0o700)
    for store in place.stores:
        if not store.folder.exists():
            store.folder.mkdir(mode=0o700, parents=True)
            _like(store.folder, place.storage)
        store.restoring.mkdir(mode=0o700)


def own_all(place: Place) -> None:
    """Who restores as root, does so for the user to whom the storage folder belongs: give what was unpacked to it."""
    if os.geteuid() != 0:
        return
    for root in _restoring(place):
        for path, _folders, files in os.walk(root):
            _like(Path(path), place.storage)
            for name in files:
                _like(Path(path, name), place.storage)
    _like(place.logs, place.storage)
    _like(place.storage / f"{DATABASE}.lock", place.storage)


def _logs_in_the_way(root: Path, fresh: list[tuple[str, str]]) -> list[str]:
    """What in a folder of logs was Gofer's, or stands where `fresh` is to be. The rest may be another program's."""
    namespaces = sorted({namespace for namespace, _ in fresh})
    found = [name for name in namespaces if (root / name).is_symlink() or (root / name).is_file()]
    there = [one for one in folder.pipelines(root) if one in fresh or folder.holds_only_logs(root, *one)]
    return [*found, *map("/".join, there), MARKER]


def _make_folder(path: Path) -> None:
    """A namespace's, among logs."""
    if not path.exists():
        path.mkdir(mode=0o700)
        _like(path, path.parent)
        _sync(path.parent)


def _clear(place: Place) -> None:
    for one in _restoring(place):
        if one.exists():
            shutil.rmtree(one)
    for one in _empty_kept(place):
        with suppress(OSError):
            one.rmdir()


def _empty_kept(place: Place) -> Iterable[Path]:
    stores = [one for store in place.stores for one in store.folder.glob(f"{store.kept}*")]
    return [*place.storage.glob("before-restore-*"), *place.logs.glob(".before-restore-*"), *stores]


def _restoring(place: Place) -> list[Path]:
    """Where things are unpacked to; the one with the plan is the last."""
    return [place.restoring_logs, *(store.restoring for store in place.stores), place.restoring]


def _like(path: Path, model: Path) -> None:
    if os.geteuid() == 0:
        status = model.stat()
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(path.name + ".tmp")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
