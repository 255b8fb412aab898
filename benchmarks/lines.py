"""From a line's printing to a websocket client that has read it."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.containers import IMAGE
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import server
from benchmarks.load import NAMESPACE, Ends, Load
from benchmarks.tail import Tail

_LINES = 400

# Both print when it is, in seconds since the epoch with six digits behind the point, about every 15 ms.
_PYTHON = f"""
import sys, time
time.sleep(1)
for _ in range({_LINES}):
    sys.stdout.write(f"{{time.time():.6f}}\\n")
    sys.stdout.flush()
    time.sleep(0.015)
"""
# `ts` puts the time before each line that it reads: the only clock of busybox that is exact enough. It ends after
# every line, as it would keep what it writes otherwise.
_SHELL = f"sleep 1; for i in $(seq {_LINES}); do echo | ts %.s; usleep 15000; done"


async def lateness() -> list[Figure]:
    """One task, one client, with the engines that run something."""
    found: dict[str, list[float]] = {}
    commands: dict[str, list[str]] = {
        "docker": ["sh", "-c", _SHELL],
        "process": [sys.executable, "-c", _PYTHON],
    }
    for engine, command in commands.items():
        found[engine] = await _late(engine, {"id": "a", "image": IMAGE, "command": command})
    figures = []
    for engine, late in found.items():
        p50, p99 = median(late), percentile(late, 0.99)
        figures.append(
            Figure(
                f"line printed to line at a websocket client, `{engine}` engine",
                "–",
                "p50 ≤ 25 ms, p99 ≤ 60 ms",
                f"p50 {ms(p50)}, p99 {ms(p99)}",
                p50 <= 0.025 and p99 <= 0.06,
                f"{_LINES} lines, one about every 15 ms; the task prints when it printed; fastest {ms(min(late))},"
                f" slowest {ms(max(late))}",
            )
        )
    return figures


async def _late(engine: str, task: dict[str, Any]) -> list[float]:
    with server(engine) as host:
        async with Load(host.api.address, 4) as load:
            await load.register({"id": "lines", "tasks": [task]})
            async with Ends(load, "lines").listening() as ends:
                run = await load.start("lines")
                path = f"{NAMESPACE}/pipelines/lines/runs/{run}/tasks/a/log/stream"
                async with Tail(host.api.address, path, 1, every=True) as tail:
                    heard = await tail.heard()
                await ends.wait(run)
                assert ends.statuses == {"successful": 1}, ends.statuses
    assert heard.lines == [_LINES], heard.lines
    return heard.late
