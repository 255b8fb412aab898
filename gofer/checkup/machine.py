"""The limits of the machine and of the process."""

from __future__ import annotations

import resource
from pathlib import Path

from gofer.checkup.finding import found
from gofer.models.system import Check
from gofer.models.units import format_size

# An attempt at an engine holds a few connections and its log's files open; every follower and client one more.
_FILES_A_TASK = 6
_FILES_BESIDES = 256
_FILES_WITHOUT_LIMIT = 4_096
_NEARLY_ALL = 0.8
_LITTLE_MEMORY = 150_000_000
_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60


def files_wanted(task_parallelism_limit: int) -> int:
    """How many open files a server needs that has so many task runs at the engine at once (0: no limit)."""
    if task_parallelism_limit == 0:
        return _FILES_WITHOUT_LIMIT
    return _FILES_BESIDES + _FILES_A_TASK * task_parallelism_limit


def open_files(wanted: int, limit: int | None = None, in_use: int | None = None) -> Check:
    """Whether `wanted` files may be open. `limit` and `in_use` None: as they are for this process."""
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if in_use is None:
        in_use = sum(1 for _ in Path("/proc/self/fd").iterdir())
    hint = (
        f"Allow more: LimitNOFILE={max(wanted, 8192)} in the systemd unit, or `ulimit -n {max(wanted, 8192)}` before "
        "the start. Or lower task_parallelism_limit."
    )
    if limit == resource.RLIM_INFINITY:
        return found("open files", "ok", f"{in_use} are open, of any number.")
    if in_use > limit * _NEARLY_ALL:
        return found("open files", "error", f"{in_use} of at most {limit} are open: soon nothing can be opened.", hint)
    if limit < wanted:
        message = f"At most {limit} may be open; with every task slot taken about {wanted} are needed."
        return found("open files", "warning", message, hint)
    return found("open files", "ok", f"{in_use} of at most {limit} are open.")


def memory(free: int | None = None) -> Check:
    """Whether there is memory left, on the machine and in the process's control group. `free` in bytes, None: ask."""
    if free is None:
        free = min(_free_on_machine(), _free_in_group())
    if free >= _UNLIMITED:
        return found("memory", "ok", "Nothing says how much memory is free.")
    if free < _LITTLE_MEMORY:
        hint = "Run fewer tasks at once (task_parallelism_limit), give tasks limits, or raise MemoryMax= of the unit."
        return found("memory", "warning", f"Only {format_size(free)} of memory are free.", hint)
    return found("memory", "ok", f"{format_size(free)} of memory are free.")


def _free_on_machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return _UNLIMITED


def _free_in_group() -> int:
    """What this process's control group (version 2) still allows, as cgroups(7) says it."""
    try:
        path = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        folder = _CGROUP / path.lstrip("/")
        limit = (folder / "memory.max").read_text().strip()
        if limit == "max":
            return _UNLIMITED
        # The kernel gives up its caches before the limit hurts.
        facts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        used = int((folder / "memory.current").read_text()) - int(facts.get("inactive_file", 0))
        return max(0, int(limit) - used)
    except (OSError, ValueError, StopIteration):
        return _UNLIMITED
