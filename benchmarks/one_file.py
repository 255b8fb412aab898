"""What the one-file program (`make binary`) costs: each command's start, a server's start, memory, size."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figure import Figure, median, ms
from benchmarks.host import server
from benchmarks.imports import shares
from benchmarks.load import Load
from benchmarks.resting import bare_python, starts

BINARY = Path(__file__).resolve().parents[1] / "dist" / "gofer"
_TIMES = 10
_PIPELINES = 20
_SHOWN = 8
_WANTED = {"--version": 0.050, "pipeline list": 0.090, "--help": 0.100}


async def one_file() -> list[Figure]:
    """All its figures. Raises SystemExit where it has not been built."""
    if not BINARY.exists():
        sys.exit(f"{BINARY} is not there: run `make binary`")
    size = BINARY.stat().st_size
    return [
        *await _commands(),
        await _start(),
        Figure("one file: size", "PyInstaller without care 47 MB", "≤ 50 MB", f"{size / 1e6:.1f} MB", size <= 50e6),
    ]


async def _commands() -> list[Figure]:
    figures = []
    with server("fake") as host:
        async with Load(host.api.address, 4) as load:
            for number in range(_PIPELINES):
                await load.register({"id": f"p{number}", "tasks": [{"id": "t", "image": "i", "command": ["true"]}]})
        environ = {**os.environ, "GOFER_CLI_HOST": host.api.address.removeprefix("http://")}
        for line, wanted in _WANTED.items():
            figures.append(await asyncio.to_thread(_command, line, wanted, environ))
    return figures


def _command(line: str, wanted: float, environ: dict[str, str]) -> Figure:
    command = [str(BINARY), *line.split()]
    took, bare = [], []
    for _ in range(_TIMES + 1):
        before = time.perf_counter()
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - before)
        bare.append(bare_python())
    found = shares(BINARY, line.split(), environ)
    print(f"  {line}: imports\n" + "\n".join(f"    {share}" for share in found), flush=True)
    named = ", ".join(f"{share.name} {share.own * 1000:.1f}" for share in found[:_SHOWN])
    total = sum(share.own for share in found)
    note = f"median of {_TIMES}, after one to warm up; imports {ms(total)} in {len(found)} modules, most: {named}"
    value = median(took[1:])
    floor = f"{ms(median(bare))} for a Python that imports nothing"
    return Figure(f"one file: `gofer {line}`", floor, f"≤ {wanted * 1000:.0f} ms", ms(value), value <= wanted, note)


async def _start() -> Figure:
    docker = await starts([str(BINARY)], "docker")
    return Figure(
        "one file: `service start` to the first 200, idle RSS",
        "",
        "≤ 500 ms, ≤ 65 MB",
        f"{ms(docker.answer)}, {docker.size / 1e6:.1f} MB",
        docker.answer <= 0.5 and docker.size <= 65e6,
        f"/healthz, new store, Docker engine, median; ready after {ms(docker.ready)}; memory of both of its processes",
    )
