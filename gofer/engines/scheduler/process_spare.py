"""What a shim prepares while it waits for a job, as making files is the slow part. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import socket
from typing import Any

from gofer.engines.scheduler.process_record import BLANK, Description, Folders, address, head
from gofer.engines.scheduler.process_spawn import Identity

_BACKLOG = 128


class Spare:
    """An empty record, an empty scratch folder and a listening socket, all under one token."""

    def __init__(self, folders: Folders, boot: str) -> None:
        self._folders = folders
        self._boot = boot
        self._born = 0
        self.token = secrets.token_hex(16)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.record = -1
        self._lock = -1
        self._claimed = ""

    def prepare(self) -> None:
        """Make what is missing; may be called again after it has failed. Raises OSError."""
        if self.record != -1:
            return
        if not self.listener.getsockname():
            # Before the files: whoever clears up takes files that nobody answers for.
            self.listener.bind(address(self.token))
            self.listener.listen(_BACKLOG)
        if self._lock == -1:
            self._lock = os.open(self._folders.lock, os.O_RDWR | os.O_CLOEXEC)
        self._born = _born()
        os.makedirs(self._scratch, mode=0o700, exist_ok=True)  # noqa: PTH103
        record = os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            _write_durably(record, BLANK)
        except OSError:
            os.close(record)
            raise
        self.record = record

    def hold(self) -> None:
        """Keep an opening Gofer waiting until `claim` or the end of this process."""
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def probe(self) -> None:
        """Try the disk. Raises OSError."""
        _write_durably(self.record, BLANK * 2)

    def claim(self, order: dict[str, Any]) -> None:
        """Become the attempt that is ordered, on disk for good. Raises FileExistsError if there is one; OSError.

        Should the machine lose power and with it the link, the head in the spare file still tells of the claim.
        """
        name = order["name"]
        description = Description(
            name, order["labels"], order["image"], self.token, os.getpid(), self._born, self._boot, order["directory"]
        )
        data = head(description)
        if os.write(self.record, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.link(self._file, self._folders.record(name))
        self._claimed = name
        os.rename(order["prepared"] or self._scratch, self._folders.scratch(name))  # noqa: PTH104
        if order["prepared"]:
            os.rmdir(self._scratch)  # noqa: PTH106
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        os.fdatasync(self.record)
        os.unlink(self._file)  # noqa: PTH108

    def discard(self) -> None:
        """Leave nothing behind, of what was claimed neither: the command was not started."""
        if self._claimed:
            with contextlib.suppress(OSError):
                _remove(self._folders.scratch(self._claimed))
            with contextlib.suppress(OSError):
                os.unlink(self._folders.record(self._claimed))  # noqa: PTH108
        with contextlib.suppress(OSError):
            os.rmdir(self._scratch)  # noqa: PTH106
        with contextlib.suppress(OSError):
            os.unlink(self._file)  # noqa: PTH108

    @property
    def _file(self) -> str:
        return f"{self._folders.spare}/{self.token}"

    @property
    def _scratch(self) -> str:
        return f"{self._file}.work"


def _write_durably(fd: int, data: bytes) -> None:
    if os.pwrite(fd, data, 0) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(fd)


def enter(scratch: str, directory: str, identity: Identity | None) -> None:
    """Make `directory` the working directory: absolute, or within the scratch folder and made if need be.

    Raises OSError.
    """
    if identity is not None:
        os.chown(scratch, identity.uid, identity.gid)
    os.chdir(scratch)
    if os.path.isabs(directory):  # noqa: PTH117
        os.chdir(directory)
        return
    for part in directory.split("/"):
        if part not in ("", "."):
            try:
                os.mkdir(part, mode=0o755)  # noqa: PTH102
                if identity is not None:
                    os.chown(part, identity.uid, identity.gid)
            except FileExistsError:
                # It was made when something was placed in it; what comes next says if it is no folder.
                pass
            os.chdir(part)


def _born() -> int:
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123
        return int(file.read().rpartition(b")")[2].split()[19])


def _remove(folder: str) -> None:
    """A scratch folder in which nothing ran."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _remove(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108
    os.rmdir(folder)  # noqa: PTH106
