"""Control groups that a machine in a container leaves on the host."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PATIENCE = 10.0


def clear(container: str) -> None:
    """Remove the groups of a container that is gone, and the hierarchies that only it had mounted.

    Docker knows nothing of the groups that a systemd makes below its container's. And a systemd mounts hierarchies that
    the host does without: as long as there are groups in them they stay, mounted nowhere, and the host's Docker Engine,
    which looks for the mount of each, no longer sees that a container has run out of memory.
    """
    for top in _ROOT.glob(f"**/docker/{container}"):
        _remove(top)
        with contextlib.suppress(OSError):
            top.rmdir()
    end = time.monotonic() + _PATIENCE
    while (left := _unmounted()) and time.monotonic() < end:
        for controllers in left:
            _empty(controllers)
        time.sleep(0.1)


def _empty(controllers: str) -> None:
    """Remove the groups of a hierarchy. The kernel drops it with its last mount, once those are really gone."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "cgroup", "-o", controllers, "cgroup", folder]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            _remove(Path(folder))
            subprocess.run(["umount", folder], check=True, capture_output=True)


def _unmounted() -> list[str]:
    """The controllers of each hierarchy of version 1 that is active and mounted nowhere here."""
    mounts = [line.split(" - ")[1].split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    here = {option for kind, _, options, *_ in mounts if kind == "cgroup" for option in options.split(",")}
    active = [line.split(":")[1] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    return [one for one in active if one and not one.startswith("name=") and not here.intersection(one.split(","))]


def _remove(top: Path) -> None:
    """Remove all empty groups below `top`."""
    for folder, _, _ in os.walk(top, topdown=False):
        if folder != str(top):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
