"""Whether it is Gofer that listens at a port of this machine: any user may listen there while Gofer does not run."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.models.bootstrap_code import DATABASE

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"


def check_listener(port: int, folder: Path) -> None:
    """Raises CommandError where a user listens at that TCP port who is neither root, nor the caller, nor the one whose
    server `folder` is. Where the system does not tell who listens, nothing happens."""
    trusted = {0, os.geteuid()}
    for path in (folder, folder / DATABASE):
        try:
            trusted.add(path.stat().st_uid)
        except OSError:
            continue
    for uid in _listeners(port):
        if uid not in trusted:
            raise CommandError(
                f"at port {port} listens a program of the user {_name(uid)}, whose server {folder} is not",
                "Nothing was shown to it. Is Gofer running, and at that port? Look with: ss -ltnp.",
                exit_code=ExitCode.REFUSED,
            )


def _listeners(port: int) -> Iterator[int]:
    """Whose they are, as Linux tells (proc_pid_net(5)): the columns are number, local address, remote address, state,
    queues, timer, retransmits, uid; ports are in hex."""
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        for parts in map(str.split, lines):
            if len(parts) > 7 and parts[3] == _LISTENS and parts[1].endswith(f":{port:04X}"):
                yield int(parts[7])


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
