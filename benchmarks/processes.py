"""Forty short tasks one after the other on the `process` engine."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.figure import Figure, median
from benchmarks.host import server
from benchmarks.load import Ends, Load

_TASKS = 40
_ROUNDS = 10


def _chain() -> dict[str, Any]:
    tasks: list[dict[str, Any]] = []
    for number in range(_TASKS):
        parents = [{"task": f"t{number - 1}"}] if number else []
        tasks.append({"id": f"t{number}", "image": "i", "command": ["sleep", "0.01"], "depends_on": parents})
    return {"id": "chain", "tasks": tasks}


async def chain() -> list[Figure]:
    """Runs of the chain, one after the other."""
    took: list[float] = []
    with server("process") as host:
        async with Load(host.api.address, 4) as load:
            await load.register(_chain())
            async with Ends(load, "chain").listening() as ends:
                for _ in range(_ROUNDS + 1):
                    before = time.perf_counter()
                    took.append(await ends.wait(await load.start("chain")) - before)
                assert ends.statuses == {"successful": _ROUNDS + 1}, ends.statuses
    bare = median([_bare() for _ in range(_ROUNDS)])
    p50 = median(took[1:])
    name = "`process` engine: 40 tasks of 10 ms one after the other, API call to run ended"
    floor = (
        f"0.40 s; {bare:.2f} s for `sleep 0.01` forty times from a bare program;"
        " Hatchet 1.22 s, Temporal 2.97 s (published)"
    )
    note = f"median of {_ROUNDS}, after one to warm up"
    return [Figure(name, floor, "≤ 0.60 s", f"{p50:.2f} s", p50 <= 0.6, note)]


def _bare() -> float:
    """Seconds for the same processes, one after the other, from a program that does nothing else."""
    before = time.perf_counter()
    for _ in range(_TASKS):
        process = os.posix_spawnp("sleep", ["sleep", "0.01"], os.environ)
        os.waitpid(process, 0)
    return time.perf_counter() - before
