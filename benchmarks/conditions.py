"""On what the figures were measured."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.host import work_folder
from gofer import __version__

_UNKNOWN = "unknown"


class Conditions(msgspec.Struct, frozen=True):
    """What may change a figure. Texts are for people."""

    gofer: str
    cpu: str
    cores: int
    memory: str
    disk: str
    kernel: str
    python: str
    sqlite: str
    docker: str
    chromium: str = "–"


def look() -> Conditions:
    """The conditions here and now."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Conditions(
        gofer=_gofer(),
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory=f"{pages / 2**30:.1f} GiB",
        disk=_disk(work_folder()),
        kernel=platform.release(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        docker=_docker(),
        chromium=_output(["chromium", "--version"]).removeprefix("Chromium ") if shutil.which("chromium") else "none",
    )


def busy() -> float:
    """How many processes wanted a core, on average, in the last minute."""
    return os.getloadavg()[0]


def _gofer() -> str:
    commit = _output(["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"])
    return f"{__version__} ({commit})" if commit else __version__


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine() or _UNKNOWN


def _disk(folder: Path) -> str:
    """The file system below a folder."""
    found = _output(["stat", "--file-system", "--format", "%T", str(folder)])
    return found or _UNKNOWN


def _docker() -> str:
    if shutil.which("docker") is None:
        return "none"
    engine = _output(["docker", "version", "--format", "{{.Server.Version}}"])
    driver = _output(["docker", "info", "--format", "{{.Driver}}, cgroup {{.CgroupVersion}}"])
    return f"{engine} ({driver})" if engine else "none"


def _output(command: Sequence[str]) -> str:
    """What a command prints, "" if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
