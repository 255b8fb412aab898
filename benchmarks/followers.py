"""Many followers of a task that prints a lot."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import cpu_seconds, pid, server
from benchmarks.load import NAMESPACE, Ends, Load
from benchmarks.tail import Tail
from tests.support.server import ServerProcess

_FOLLOWERS = 100
_RATE = 10_000
_SECONDS = 10

# Bursts of 5 ms; each line begins with when it was printed. Begins when the file in the variable is there.
_PRODUCER = f"""
import os, sys, time
while not os.path.exists(os.environ["BEGIN"]):
    time.sleep(0.01)
filler = "x" * 81
begin, made, total = time.monotonic(), 0, {_RATE * _SECONDS}
while made < total:
    due = min(int((time.monotonic() - begin) * {_RATE}), total)
    if due > made:
        sys.stdout.write(f"{{time.time():.6f}} {{filler}}\\n" * (due - made))
        sys.stdout.flush()
        made = due
    time.sleep(0.005)
"""


class _Seen(NamedTuple):
    """The server's share of a core, and how late lines came, in seconds."""

    share: float
    late: list[float]


async def followers() -> list[Figure]:
    """The same task with nobody following, and with all."""
    alone = await _watch(0)
    seen = await _watch(_FOLLOWERS)
    p50, p99 = median(seen.late), percentile(seen.late, 0.99)
    return [
        Figure(
            f"{_FOLLOWERS} followers of {_RATE:,} lines/s",
            "21 % of a core (prototype: fan-out alone)",
            "≤ 35 % of a core, p99 ≤ 40 ms",
            f"{seen.share:.0%} of a core, p99 {ms(p99)}",
            seen.share <= 0.35 and p99 <= 0.04,
            f"100-byte lines in bursts of 5 ms for {_SECONDS} s, from a task of the `process` engine; with nobody"
            f" following the server's share is {alone.share:.0%}; p50 {ms(p50)}; of the first and last line of every"
            " frame; the followers, in one other process, checked that every line came",
        )
    ]


async def _watch(clients: int) -> _Seen:
    with server("process") as host:
        begin = host.home / "begin"
        task = {
            "id": "a",
            "image": "i",
            "command": [sys.executable, "-c", _PRODUCER],
            "variables": {"BEGIN": str(begin)},
        }
        async with Load(host.api.address, 4) as load:
            await load.register({"id": "loud", "tasks": [task]})
            async with Ends(load, "loud").listening() as ends:
                return await _produce(host, load, ends, begin, clients)


async def _produce(host: ServerProcess, load: Load, ends: Ends, begin: Path, clients: int) -> _Seen:
    run = await load.start("loud")
    path = f"{NAMESPACE}/pipelines/loud/runs/{run}/tasks/a/log/stream"
    async with Tail(host.api.address, path, clients, every=False) as tail:
        before = cpu_seconds(pid(host))
        await asyncio.to_thread(begin.touch)
        heard = await tail.heard()
        await ends.wait(run)
        share = (cpu_seconds(pid(host)) - before) / _SECONDS
    assert ends.statuses == {"successful": 1}, ends.statuses
    expected: Any = [_RATE * _SECONDS] * clients
    assert heard.lines == expected, "a follower has not got every line"
    return _Seen(share, heard.late)
