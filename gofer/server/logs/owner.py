"""Whose folder of logs it is: one server's, that of one database, at a time.

Runs are numbered by the database, so another database's logs in the same folder would get mixed with its own.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gofer.errors import ConfigError
from gofer.server.logs import folder

MARKER = ".gofer"


class Ownership:
    """Held from `claim` to `release`; ends with the process in any case."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd = -1

    def claim(self, server_id: str) -> None:
        """Take the folder for the server with that id. What another one has left there is put into `.of-<its id>`.

        Idempotent. Raises ConfigError if another server uses the folder now, OSError if it cannot be written.
        """
        if self._fd >= 0:
            return
        fd = os.open(self._root / MARKER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._take(fd, server_id)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def release(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self, fd: int, server_id: str) -> None:
        _lock(fd, self._root)
        before = os.pread(fd, 64, 0).decode("ascii", "replace").strip()
        if before == server_id:
            return
        if before.isalnum():
            self._put_aside(before)
        os.ftruncate(fd, 0)
        os.pwrite(fd, server_id.encode("ascii") + b"\n", 0)

    def _put_aside(self, owner: str) -> None:
        """Move what looks like logs of pipelines; everything else in the folder is none of ours."""
        for namespace, pipeline in folder.pipelines(self._root):
            if not folder.holds_only_logs(self._root, namespace, pipeline):
                continue
            target = self._root / f".of-{owner}" / namespace / pipeline
            target.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            number = 1
            while target.exists():
                number += 1
                target = target.with_name(f"{pipeline}.{number}")
            (self._root / namespace / pipeline).rename(target)


def require_unused(root: Path) -> None:
    """Raises ConfigError if a server uses this folder of logs now, OSError if that cannot be found out."""
    try:
        fd = os.open(root / MARKER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _lock(fd, root)
    finally:
        os.close(fd)


def _lock(fd: int, root: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"The folder of the logs, {root}, is in use by another Gofer server.",
            "Stop that one first, or set task_run_logs_dir to another folder.",
        ) from None
