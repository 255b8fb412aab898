"""What a task with `inject_api_token` is given: the way to the API, and the token of its run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from gofer.engines.scheduler.base import Bind
from gofer.errors import Refused
from gofer.server.auth.tokens import token_of, trigger_secret
from gofer.server.built_ins import BuiltIns
from gofer.server.task_socket import LONGEST_PATH, NAME, TaskSocket

TARGET = "/run/gofer"
"""Where containers have the folder of the socket."""

HIDDEN = "…"
"""Shown in place of the token."""


class Way(NamedTuple):
    """The API's address for a task, and what has to be mounted for it."""

    url: str
    bind: Bind | None


class TaskAccess:
    """`key`: see `auth.tokens`."""

    def __init__(self, socket: TaskSocket, scheduler: BuiltIns, key: bytes) -> None:
        self._socket = socket
        self._scheduler = scheduler
        self._key = key

    def token(self, uid: str) -> str:
        """The token of the attempt with that unique id, the same each time it is asked for."""
        return token_of(self._key, uid)

    def trigger_secret(self, uid: str) -> str:
        """The secret of the start of a trigger with that unique id, the same each time it is asked for."""
        return trigger_secret(self._key, uid)

    def way(self, image: str = "") -> Way:
        """Of a container of that image; by default of any that is no built-in.

        Raises Refused where the engine's containers cannot reach the API.
        """
        if self._socket.problem:
            raise Refused(
                f"tasks cannot reach the API: {self._socket.problem}",
                "Move server.storage_path to a file system that can hold sockets, or leave inject_api_token out.",
            )
        folder = self._scheduler.share_for(image, str(self._socket.folder), TARGET)
        if folder is None:
            raise Refused(
                "tasks cannot reach the API: the container engine is on another machine than Gofer",
                "Let Gofer run on the engine's machine, or leave inject_api_token out.",
            )
        path = Path(folder) / NAME
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise Refused(
                f"tasks cannot reach the API: a socket's path may have {LONGEST_PATH} bytes, and {path} has more",
                "Choose a shorter server.storage_path.",
            )
        bind = Bind(source=str(self._socket.folder), target=TARGET, read_only=True) if folder == TARGET else None
        return Way(f"unix://{path}", bind)

    def shown_url(self, otherwise: str) -> str:
        """The address as it is shown of a task that may not have started; `otherwise` if it cannot have any."""
        try:
            return self.way().url
        except Refused:
            return otherwise
