"""Clearing up where a shim was killed before it could, and what earlier lives of Gofer left half done."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import time
from pathlib import Path

from gofer.engines.scheduler.process_connection import lives
from gofer.engines.scheduler.process_record import Description, Folders, read

_ROUND = 0.01
_ROUNDS = 200


def settle(folders: Folders) -> None:
    """Wait until no shim of an earlier Gofer can begin an attempt any more, and sweep up what such shims prepared.

    Takes milliseconds: a shim looks whether its Gofer lives while it holds the lock, and holds it briefly.
    """
    with Path(folders.lock).open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    for token in {entry.name.partition(".")[0] for entry in os.scandir(folders.spare)}:
        if not lives(token):
            _restore(folders, token)
            _delete(Path(folders.spare, token))
            delete_folder(Path(folders.spare, f"{token}.work"))
    for entry in os.scandir(folders.work):
        # The record goes last, so these are remains that could not be deleted when it went.
        if not Path(folders.record(entry.name)).exists():
            delete_folder(Path(entry.path))


def _restore(folders: Folders, token: str) -> None:
    """Put a claimed record where it belongs: the machine lost power between the claim and the link's way to disk."""
    path = Path(folders.spare, token)
    with contextlib.suppress(OSError):
        with path.open("rb") as file:
            record = read(file.fileno())
        if record is not None:
            os.link(path, folders.record(record.description.name))


def delete(folders: Folders, name: str) -> None:
    """Remove an ended attempt's scratch folder and record; what is not there is no fault. Never follows a link."""
    delete_folder(Path(folders.scratch(name)))
    _delete(Path(folders.record(name)))


def kill_leftovers(folders: Folders, name: str, description: Description) -> None:
    """Kill what a shim that vanished has left running: all of its session, and all that live in its scratch folder."""
    home = b"HOME=" + os.fsencode(folders.scratch(name))
    for _ in range(_ROUNDS):
        session = _session_members(description)
        found = [pid for pid in _pids() if pid in session or _has_variable(pid, home)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        # They may have started others meanwhile, so look again when these are gone.
        time.sleep(_ROUND)


def _session_members(description: Description) -> set[int]:
    """Pids in the session that the shim led.

    Its number stays taken for as long as anything is in the session: if another process has that number now, then
    nothing is; and only processes that are younger than the shim can be in it.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    leader = _stat(description.pid)
    if boot != description.boot or (leader and _born(leader) != description.born):
        return set()
    members = set()
    for pid in _pids():
        fields = _stat(pid)
        in_session = fields and int(fields[3]) == description.pid and _born(fields) >= description.born
        if in_session and fields[0] != b"Z":
            members.add(pid)
    return members


def _pids() -> list[int]:
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def _stat(pid: int) -> list[bytes]:
    """The fields after the process's name; empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return []


def _born(fields: list[bytes]) -> int:
    return int(fields[19])


def _has_variable(pid: int, variable: bytes) -> bool:
    with contextlib.suppress(OSError):
        return variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def delete_folder(path: Path) -> None:
    """Delete it with everything in it; what resists is left. Never follows a link."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError:
        # Jobs take away their own permissions at times. What resists this too is tried again at the next start.
        for folder, _, _ in os.walk(path):
            with contextlib.suppress(OSError):
                Path(folder).chmod(stat.S_IRWXU)
        shutil.rmtree(path, ignore_errors=True)
