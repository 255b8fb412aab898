"""Triggers outlive the server that has started them; tests must not leave them behind."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SOCKET = b"GOFER_TRIGGER_SOCKET="


def processes_below(folder: Path) -> Iterator[tuple[int, str]]:
    """The processes of triggers whose server has its folder below that one, each with the socket that it dials."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            for variable in (entry / "environ").read_bytes().split(b"\0"):
                path = os.fsdecode(variable.removeprefix(_SOCKET))
                if variable.startswith(_SOCKET) and Path(path).is_relative_to(folder):
                    yield int(entry.name), path


def end_orphans(folder: Path) -> None:
    """Kill those whose server is gone."""
    for pid, path in list(processes_below(folder)):
        if not _is_served(path):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _is_served(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
    return True
