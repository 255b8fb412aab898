"""How many files the process may have open, and what that leaves for connections."""

from __future__ import annotations

import resource
from contextlib import suppress

from gofer.checkup.machine import files_wanted

# As in the unit of systemd; what a program starts inherits it, and some walk through all numbers up to the limit.
_ENOUGH = 65_536
_FEWEST = 16


def raise_limit() -> None:
    """Let the process open as many files as it is allowed to ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def room_for_connections(task_parallelism_limit: int) -> int:
    """How many connections may be open beside what so many task runs at once need."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return _ENOUGH
    return max(soft - files_wanted(task_parallelism_limit), soft // 4, _FEWEST)
