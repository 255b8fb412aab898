"""How many runs a second, and how long a start takes."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.figure import Figure, ms, percentile
from benchmarks.host import cpu_seconds, pid, rss_bytes, server
from benchmarks.load import NAMESPACE, Ends, Load
from benchmarks.wire import Wire

TWO_TASKS: dict[str, Any] = {
    "id": "two",
    "tasks": [
        {"id": "a", "image": "i", "command": ["exit", "0"]},
        {"id": "b", "image": "i", "command": ["exit", "0"], "depends_on": [{"task": "a"}]},
    ],
}
_SECONDS = 60
_AT_ONCE = 64
_BURST = 100
_BURSTS = 20


async def throughput(address: str, seconds: float) -> float:
    """Runs of two tasks ended a second, `_AT_ONCE` of them on their way at any time."""
    async with Load(address, 200) as load:
        await load.register(TWO_TASKS)
        async with Ends(load, "two").listening() as ends:
            until, done = time.perf_counter() + seconds, 0

            async def one_after_the_other() -> None:
                nonlocal done
                while time.perf_counter() < until:
                    await ends.wait(await load.start("two"))
                    done += 1

            before = time.perf_counter()
            await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))
            rate = done / (time.perf_counter() - before)
            assert set(ends.statuses) == {"successful"}, ends.statuses
            return rate


async def sustained() -> list[Figure]:
    """Throughput of a new server."""
    with server("fake") as host:
        before = cpu_seconds(pid(host))
        rate = await throughput(host.api.address, _SECONDS)
        cpu = (cpu_seconds(pid(host)) - before) / _SECONDS
        size = rss_bytes(pid(host))
    note = f"{_AT_ONCE} on their way at any time; the server used {cpu:.2f} of a core and ended at {size / 1e6:.0f} MB"
    name = f"`fake` engine: runs of two tasks a second, sustained {_SECONDS} s, every acknowledged write fsynced"
    floor = "Kestra 25 a second on twice the cores with a separate Postgres (published)"
    return [Figure(name, floor, "≥ 250", f"{rate:.0f}", rate >= 250, note)]


async def starts() -> list[Figure]:
    """Lateness of the answer while the runs that were started before are on their way."""
    took: list[float] = []
    with server("fake") as host:
        async with Load(host.api.address, 4) as load, AsyncExitStack() as stack:
            await load.register(TWO_TASKS)
            wires = [await stack.enter_async_context(Wire(host.api.address)) for _ in range(_BURST)]
            async with Ends(load, "two").listening() as ends:
                for turn in range(_BURSTS + 1):
                    answers = await asyncio.gather(*(wire.post(f"{NAMESPACE}/pipelines/two/runs") for wire in wires))
                    # The first turn warms up.
                    took += [seconds for seconds, _ in answers] if turn else []
                    for run in range(turn * _BURST + 1, (turn + 1) * _BURST + 1):
                        await ends.wait(run)
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    name = f"API call “start” answered, {_BURST} at once"
    note = (
        f"{_BURSTS} bursts of {_BURST} on as many kept connections; the runs, of two tasks on `fake`, begin meanwhile"
    )
    return [Figure(name, "one group commit", "p99 ≤ 50 ms", f"p50 {ms(p50)}, p99 {ms(p99)}", p99 <= 0.05, note)]
