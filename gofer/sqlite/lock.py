"""One process at a time: a second Gofer on the same storage is refused."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from gofer.errors import ConfigError


class Lock:
    """A lock file that its process holds as long as it lives. It holds the process id, for people.

    `what` it protects, as its error names it; "": the folder that it is in.
    """

    def __init__(self, path: Path, what: str = "") -> None:
        self._path = path
        self._what = what or f"storage folder {path.parent}"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises ConfigError, which names the process that holds it, at once. OSError if the file cannot be made."""
        descriptor = self._locked(os.O_CREAT)
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            self.release()
            raise

    def check(self) -> None:
        """Raises ConfigError as `acquire` does where another process holds it. Changes nothing."""
        with suppress(OSError):
            os.close(self._locked(0))

    def _locked(self, flags: int) -> int:
        descriptor = os.open(self._path, os.O_RDWR | flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise ConfigError(
                f"The {self._what} is in use by another Gofer (process {holder})",
                "Stop that one first, or give this one a storage folder and an address of its own: "
                "--storage FOLDER --host localhost:8081.",
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def release(self) -> None:
        """Idempotent. The file stays: to remove it would let two processes hold two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
