"""Who makes a change, as far as that is known: what the lists and events of secrets tell."""

from __future__ import annotations

import ipaddress
import pwd
from functools import partial
from pathlib import Path
from typing import Any

from gofer.server.api.endpoint import Call
from gofer.server.correlation import Connection, connection
from gofer.server.logs.thread import in_thread

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"


async def author(call: Call[Any, Any, Any]) -> str:
    """`token tok-4f7k2m9qx1` for who has one, `task backup/12/dump` for a task, `user ann` for a program on this
    machine; else an empty text."""
    present = connection()
    if call.caller.name or present is None:
        return call.caller.name
    return await in_thread(partial(local_user, present))


def local_user(made: Connection) -> str:
    """Whose socket is at the other end of a connection from this machine to itself, as Linux tells (proc_pid_net(5)).

    Of a proxy, that is the proxy's user. Empty where it cannot be told: from another machine, or in another network
    namespace (such as a container).
    """
    try:
        if not ipaddress.ip_address(made.client_host).is_loopback:
            return ""
        uid = _uid(made)
    except (OSError, ValueError):
        return ""
    if uid is None:
        return ""
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _uid(made: Connection) -> int | None:
    """Columns: number, local address, remote address, state, queues, timer, retransmits, uid. Ports are in hex."""
    for table in _TABLES:
        if not table.exists():
            continue
        with table.open(encoding="ascii") as lines:
            for line in lines:
                parts = line.split()
                if (
                    len(parts) > 7
                    and parts[3] == _ESTABLISHED
                    and parts[1].endswith(f":{made.client_port:04X}")
                    and parts[2].endswith(f":{made.server_port:04X}")
                ):
                    return int(parts[7])
    return None
