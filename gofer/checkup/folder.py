"""A data folder: room, owners, copies that old updates have left."""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from gofer.checkup.finding import found
from gofer.models.system import Check
from gofer.models.units import format_duration, format_size

_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 200_000_000
_FEW_INODES = 0.02
_NO_INODES = 2_000
_OLD_COPY = 30 * 86_400_000
_COPY = re.compile(r"gofer\.db\.(?:v\d+\.bak|.*\.tmp)\Z")
_SHOWN = 3


def disk(folders: Iterable[Path]) -> Check:
    """Room on the disks under `folders`: of the one that has least, bytes and inodes."""
    free, folder = min(((shutil.disk_usage(folder).free, folder) for folder in folders), key=lambda one: one[0])
    message = f"{format_size(free)} are free on the disk of {folder}."
    hint = (
        "Free some space: `docker system df` and `du -sh` say what takes it. Logs can be kept for fewer runs "
        "(setting task_run_log_expiry)."
    )
    if free < _NO_SPACE:
        return found("disk", "error", message, hint)
    short_of_inodes = _short_of_inodes(folder)
    if short_of_inodes:
        return found("disk", "error", short_of_inodes, "Remove small files; many logs of runs are many files.")
    return found("disk", "warning", message, hint) if free < _LITTLE_SPACE else found("disk", "ok", message)


def permissions(folder: Path, logs: Path, uid: int) -> Check:
    """Whether the user `uid` can work in `folder` and `logs`, nobody else looks into them, and nothing of it is
    another user's, as after a start with sudo. Root asks for the user to whom `folder` belongs."""
    for one in (folder, logs):
        if not os.access(one, os.R_OK | os.W_OK | os.X_OK):
            hint = f"Give it to the user that runs Gofer: chown -R {uid} {quote(str(one))}"
            return found("permissions", "error", f"This user may not write to {one}.", hint)
    owner = uid or folder.stat().st_uid
    foreign = [path for path in _owned(folder, logs) if path.lstat().st_uid != owner]
    if foreign:
        names = ", ".join(map(str, foreign[:_SHOWN])) + (" and more" if len(foreign) > _SHOWN else "")
        where = " ".join(quote(str(one)) for one in dict.fromkeys((folder, logs)))
        hint = f"Somebody else wrote there, as after a start with sudo: chown -R {owner} {where}"
        return found("permissions", "error", f"Not the own of user {owner}, who is to run Gofer: {names}.", hint)
    # To pass through is no harm, and a must where tasks run as users of their own.
    if stat.S_IMODE(folder.stat().st_mode) & 0o066:
        message = f"Other users of this machine may look into {folder}."
        return found("permissions", "warning", message, f"chmod go-rw {quote(str(folder))}")
    return found("permissions", "ok", f"Only Gofer's own user may look into {folder}.")


def copies(folder: Path, now: int | None = None) -> Check:
    """Copies of the database that updates of its schema have left. `now` in milliseconds since the Unix epoch."""
    now = time.time_ns() // 1_000_000 if now is None else now
    sizes = {path: path.stat() for path in sorted(folder.glob("gofer.db.*")) if _COPY.match(path.name)}
    if not sizes:
        return found("old copies", "ok", "No update has left a copy of the database.")
    total = format_size(sum(each.st_size for each in sizes.values()))
    names = ", ".join(path.name for path in sizes)
    age = now - min(round(each.st_mtime * 1000) for each in sizes.values())
    message = f"Of the database as it was before an update there is {names} ({total}, {format_duration(age)} old)."
    if age < _OLD_COPY:
        return found("old copies", "ok", message)
    command = " ".join(quote(str(path)) for path in sizes)
    return found("old copies", "warning", message, f"If the update has proved itself: rm {command}")


def _owned(folder: Path, logs: Path) -> list[Path]:
    """What stands at the top: files below are as old as their folders."""
    return [path for one in dict.fromkeys((folder, logs)) for path in (one, *one.iterdir())]


def _short_of_inodes(folder: Path) -> str:
    facts = os.statvfs(folder)
    if facts.f_files and facts.f_favail < max(_NO_INODES, facts.f_files * _FEW_INODES):
        return f"Only {facts.f_favail} more files can be made on the disk of {folder} (inodes)."
    return ""
