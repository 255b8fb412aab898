"""What a server costs that does nothing, and what stays of a run."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure, median, ms
from benchmarks.host import cpu_seconds, descendants, family, pss_bytes, rss_bytes, server, work_folder
from benchmarks.load import Ends, Load
from benchmarks.runs import TWO_TASKS

_STARTS = 7
_SETTLE = 2.0
_RUNS = 1000
_AT_ONCE = 20


async def idle() -> list[Figure]:
    """Memory at rest, and the time from the start of the interpreter to the first answer."""
    command = [sys.executable, "-m", "gofer"]
    docker, process = await starts(command, "docker"), await starts(command, "process")
    triggers = await starts(command, "docker", base_triggers=True)
    size, answer = docker.size, docker.answer
    floor = await asyncio.to_thread(bare_python)
    return [
        Figure(
            "server: idle RSS",
            "Woodpecker about 130 MB; Dagu about 35",
            "≤ 60 MB",
            f"{size / 1e6:.1f} MB",
            size <= 60e6,
            f"Docker engine open, no triggers, {_SETTLE:.0f} s after the start, median of {_STARTS}; with the `process`"
            f" engine {process.size / 1e6:.1f} MB with its helper; the triggers `interval` and `cron` take"
            f" {triggers.others / 1e6:.1f} MB beside the server (shared pages counted once)",
        ),
        Figure(
            "server: first answer after start",
            f"{ms(floor)} for a Python that imports nothing",
            "≤ 400 ms",
            ms(answer),
            answer <= 0.4,
            f"from the start of the interpreter to the first 200 of /healthz, new store, Docker engine, median of"
            f" {_STARTS}; to the first 200 of /readyz {ms(docker.ready)}, of which {ms(docker.cpu)} on the processor;"
            f" with the `process` engine {ms(process.answer)}, {ms(process.ready)}, {ms(process.cpu)}; ready with the"
            f" Docker engine and both base triggers to install {ms(triggers.ready)}",
        ),
    ]


class Start:
    """Medians over some starts: seconds to the first answer and until ready, processor time, bytes at rest."""

    def __init__(self) -> None:
        self.answers: list[float] = []
        self.readies: list[float] = []
        self.cpus: list[float] = []
        self.sizes: list[float] = []
        self.beside: list[float] = []

    @property
    def answer(self) -> float:
        return median(self.answers)

    @property
    def ready(self) -> float:
        return median(self.readies)

    @property
    def cpu(self) -> float:
        return median(self.cpus)

    @property
    def size(self) -> float:
        return median(self.sizes)

    @property
    def others(self) -> float:
        """Bytes of all processes that the server has started."""
        return median(self.beside)


async def starts(program: list[str], engine: str, *, base_triggers: bool = False) -> Start:
    """Start a server some times with an engine, `program` being how Gofer is called."""
    environ = {**os.environ, "GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": str(base_triggers).lower()}
    found = Start()
    for _ in range(_STARTS):
        with tempfile.TemporaryDirectory(prefix="gofer-bench-", dir=work_folder()) as folder:
            await asyncio.to_thread(_one_start, [*program, "service", "start"], engine, folder, environ, found)
    return found


def _one_start(command: list[str], engine: str, folder: str, environ: dict[str, str], found: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--host", f"127.0.0.1:{port}", "--storage", folder, "--engine", engine]
    before = time.perf_counter()
    call = [*command, *options]
    process = subprocess.Popen(call, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_ok(port, "/healthz")
        found.answers.append(time.perf_counter() - before)
        _until_ok(port, "/readyz")
        found.readies.append(time.perf_counter() - before)
        found.cpus.append(sum(map(cpu_seconds, family(process.pid))))
        time.sleep(_SETTLE)
        found.sizes.append(sum(map(rss_bytes, family(process.pid))))
        found.beside.append(sum(map(pss_bytes, descendants(process.pid))))
    finally:
        process.terminate()
        process.wait()


def _until_ok(port: int, path: str) -> None:
    """Ask again and again, a millisecond apart, until the answer is a 200."""
    for _ in range(30_000):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.001)
    raise AssertionError(f"{path} is not 200")


def bare_python() -> float:
    """Seconds for a Python that imports nothing."""
    took = []
    for _ in range(_STARTS):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        took.append(time.perf_counter() - before)
    return median(took)


async def event_bytes() -> list[Figure]:
    """What the events of a run take of the database's file."""
    with server("fake") as host:
        async with Load(host.api.address, _AT_ONCE) as load:
            await load.register(TWO_TASKS)
            async with Ends(load, "two").listening() as ends:
                for _ in range(_RUNS // _AT_ONCE):
                    for run in await asyncio.gather(*(load.start("two") for _ in range(_AT_ONCE))):
                        await ends.wait(run)
        host.stop()
        events, whole = _sizes(host.home / "data" / "gofer.db")
    note = (
        f"the file without them is so much smaller, after {_RUNS} runs; everything of a run, tables and indexes,"
        f" takes {whole / _RUNS / 1000:.2f} kB"
    )
    per_run = events / _RUNS
    name = "events of one two-task run on disk"
    return [Figure(name, "–", "≤ 2 kB", f"{per_run / 1000:.2f} kB", per_run <= 2000, note)]


def _sizes(path: Path) -> tuple[int, int]:
    """Bytes that the events take, and bytes that events and runs take."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        whole = _packed(connection)
        connection.execute("DELETE FROM events")
        without_events = _packed(connection)
        for table in ("attempts", "task_runs", "runs"):
            connection.execute(f"DELETE FROM {table}")
        return whole - without_events, whole - _packed(connection)
    finally:
        connection.close()


def _packed(connection: sqlite3.Connection) -> int:
    """Bytes of the file without what is free in it."""
    connection.execute("VACUUM")
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return pages * size
