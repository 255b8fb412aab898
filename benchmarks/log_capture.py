"""Capturing 50 MB of 100-byte lines: CPU and wall time of the logs' part alone, and its floor.

    python benchmarks/log_capture.py [--megabytes 50] [--chunk 65536]

The floor is one os.write of each chunk as it is. With --chunk 100 every line comes as a chunk of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvloop

from gofer.engines.scheduler.base import Chunk
from gofer.server.clock import Clock
from gofer.server.logs.logs import LogId, Logs

LOG = LogId("default", "bench", 1, "task", 1)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The figures, by name."""
    size = options.megabytes * 1_000_000
    text = (b"x" * 99 + b"\n") * (options.chunk // 100 + 2)
    offsets = range(0, size, options.chunk)

    async def chunks() -> AsyncIterator[Chunk]:
        for offset in offsets:
            begin = offset % 100
            yield Chunk("stdout", text[begin : begin + min(options.chunk, size - offset)], time.time_ns())
            if offset % 1_000_000 < options.chunk:
                await asyncio.sleep(0)

    fd = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    cpu = _cpu()
    async for chunk in chunks():
        os.write(fd, chunk.data)
    floor = _cpu() - cpu
    os.close(fd)
    logs = Logs(folder / "logs", Clock())
    await logs.open()
    cpu, began = _cpu(), time.monotonic()
    captured = await logs.capture(LOG, chunks())
    cpu, wall = _cpu() - cpu, time.monotonic() - began
    await logs.finish(LOG)
    await logs.close()
    assert captured.bytes == size
    return {
        "megabytes": options.megabytes,
        "chunk": options.chunk,
        "cpu_s": round(cpu, 3),
        "floor_cpu_s": round(floor, 3),
        "wall_s": round(wall, 3),
        "mb_a_second": round(size / wall / 1e6),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--chunk", type=int, default=65_536)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        print(json.dumps(uvloop.run(measure(options, Path(folder)))))


if __name__ == "__main__":
    main()
