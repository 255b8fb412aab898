"""Servers to measure, and what the kernel says of them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import ServerProcess

_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server(engine: str, **environ: str) -> Iterator[ServerProcess]:
    """A fresh server on this machine's disk, ended afterwards."""
    with scratch() as folder, server_in(folder, engine, **environ) as process:
        yield process


@contextlib.contextmanager
def server_in(folder: Path, engine: str, **environ: str) -> Iterator[ServerProcess]:
    """A server whose data, old or new, is in `folder`, ended afterwards."""
    process = ServerProcess(folder, engine, environ)
    process.start()
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk of this checkout, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="gofer-bench-", dir=work_folder()) as folder:
        yield Path(folder)


def work_folder() -> Path:
    """On the disk of this checkout, as a temporary file system would make every fsync free."""
    folder = Path(__file__).resolve().parent.parent / ".bench"
    folder.mkdir(exist_ok=True)
    return folder


def pid(process: ServerProcess) -> int:
    """Of a server that runs."""
    assert process.process is not None
    return process.process.pid


def family(process_id: int) -> list[int]:
    """A process and, of the one-file program, the Python that its bootloader has started."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    own = Path(f"/proc/{process_id}/exe").readlink()
    return [process_id, *(int(child) for child in children if Path(f"/proc/{child}/exe").readlink() == own)]


def cpu_seconds(process_id: int) -> float:
    """User and system time that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_bytes(process_id: int) -> int:
    """Resident memory, shared pages included."""
    return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descendants(process_id: int) -> list[int]:
    """Whom a process and its threads have started, and whom they have, and so on."""
    found: list[int] = []
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def pss_bytes(process_id: int) -> int:
    """Resident memory, of shared pages the process's share."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
