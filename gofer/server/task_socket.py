"""The Unix socket through which tasks reach the API."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gofer.server.own_log import get_logger

NAME = "api.sock"

# sun_path of unix(7) without its final zero byte.
LONGEST_PATH = 107
_BACKLOG = 512


class TaskSocket:
    """A socket in a folder of its own. Engines mount the folder, not the socket: so containers that run on while Gofer
    is started again reach the new socket by the old path.

    The folder that it lies in is the server's own; in a container everybody may connect, and the token guards it.
    `problem` says why there is none.
    """

    def __init__(self, storage: Path) -> None:
        self.folder = storage.absolute() / "task-api"
        self.problem = ""

    def open(self) -> socket.socket | None:
        """Listen, in place of a socket that an earlier life has left. To be called by who holds the storage's lock.

        None if that is impossible there, which is no reason to refuse everybody else: `problem` says why.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._bind(listener)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            self.problem = f"{self.folder / NAME} cannot be made: {error.strerror or error}"
            get_logger("gofer").warning("tasks cannot reach the API", problem=self.problem)
            return None
        listener.setblocking(False)
        return listener

    def close(self) -> None:
        """Who connects from now on is told that nobody is there."""
        with suppress(OSError):
            (self.folder / NAME).unlink()

    def _bind(self, listener: socket.socket) -> None:
        self.folder.mkdir(mode=0o755, exist_ok=True)
        self.folder.chmod(0o755)
        passing = self.folder / f"{NAME}.new"
        with suppress(FileNotFoundError):
            passing.unlink()
        with _short(passing) as path:
            listener.bind(path)
        # The umask does not count, and it takes its place in one step.
        passing.chmod(0o666)
        passing.replace(self.folder / NAME)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A path that a socket can be bound to: the path itself, or one through the open folder if that is too long."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
