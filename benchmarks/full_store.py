"""Lists, lookups and runs on a store as it is after years, beside an empty one."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from statistics import fmean
from typing import NamedTuple

from benchmarks import fill
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import scratch, server_in
from benchmarks.load import NAMESPACE
from benchmarks.runs import throughput
from benchmarks.wire import Wire

_REQUESTS = 150
_CLIENTS = 8
_ROUNDS = 12
_ROUND_SECONDS = 3.0

_Where = Callable[[random.Random], str]


class _Lateness(NamedTuple):
    """Seconds for each request, by what was asked for."""

    one: dict[str, list[float]]
    many: dict[str, list[float]]


async def full_store() -> list[Figure]:
    """Both servers are there all the time and are asked in turn, so that what drifts does so for both."""
    with scratch() as full, scratch() as empty:
        began = time.monotonic()
        await asyncio.to_thread(fill.fill, full / "data" / "gofer.db")
        took = time.monotonic() - began
        size = (full / "data" / "gofer.db").stat().st_size
        with server_in(full, "fake") as full_host, server_in(empty, "fake") as empty_host:
            async with AsyncExitStack() as stack:
                wires = [await stack.enter_async_context(Wire(full_host.api.address)) for _ in range(_CLIENTS)]
                late = await _ask(wires)
            rates = await _rates(empty_host.api.address, full_host.api.address)
    return [_lateness_figure(late, size, took), _rate_figure(rates)]


def _paths() -> dict[str, _Where]:
    """What is asked for, each time of another pipeline, run and task."""

    def pipeline(dice: random.Random) -> str:
        return f"{NAMESPACE}/pipelines/{fill.pipeline_id(dice.randrange(fill.PIPELINES))}"

    def run(dice: random.Random) -> str:
        return f"{pipeline(dice)}/runs/{dice.randint(1, fill.RUNS // fill.PIPELINES)}"

    def task(dice: random.Random) -> str:
        return f"{run(dice)}/tasks/task-{dice.randrange(fill.TASKS)}"

    return {
        "namespaces": lambda _: "/api/v1/namespaces",
        "pipelines": lambda _: f"{NAMESPACE}/pipelines?limit=50",
        "pipeline": pipeline,
        "versions": lambda dice: f"{pipeline(dice)}/versions",
        "graph": lambda dice: f"{pipeline(dice)}/graph?format=text",
        "runs of a pipeline": lambda dice: f"{pipeline(dice)}/runs?limit=50",
        "failed runs of a pipeline": lambda dice: f"{pipeline(dice)}/runs?status=failed",
        "runs of the namespace": lambda _: f"{NAMESPACE}/runs?limit=50",
        "failed runs of the namespace": lambda _: f"{NAMESPACE}/runs?status=failed",
        "cancelled runs of the namespace": lambda _: f"{NAMESPACE}/runs?status=cancelled",
        "run": run,
        "task runs": lambda dice: f"{run(dice)}/tasks",
        "task run": task,
        "events": lambda _: "/api/v1/events",
        "newest events": lambda _: "/api/v1/events?newest_first=true",
        "events of a run": lambda dice: _events(run(dice)),
        "events of a pipeline": lambda dice: _events(pipeline(dice)),
        "information": lambda _: "/api/v1/system/info",
        "metrics": lambda _: "/metrics",
    }


def _events(path: str) -> str:
    parts = path.split("/")
    pipeline = f"/api/v1/events?newest_first=true&namespace=default&pipeline={parts[6]}"
    return f"{pipeline}&run={parts[8]}" if len(parts) > 8 else pipeline


async def _ask(wires: list[Wire]) -> _Lateness:
    late = _Lateness({}, {})
    dice = random.Random(1)
    for name, path in _paths().items():
        late.one[name] = await _times(wires[0], path, dice, _REQUESTS)
    for name, path in _paths().items():
        several = (_times(wire, path, dice, _REQUESTS // 3) for wire in wires)
        late.many[name] = [seconds for times in await asyncio.gather(*several) for seconds in times]
    return late


async def _times(wire: Wire, path: _Where, dice: random.Random, count: int) -> list[float]:
    return [(await wire.get(path(dice)))[0] for _ in range(count)]


async def _rates(empty: str, full: str) -> list[tuple[float, float]]:
    rates = []
    for turn in range(_ROUNDS):
        if turn % 2:
            second = await throughput(full, _ROUND_SECONDS)
            rates.append((await throughput(empty, _ROUND_SECONDS), second))
        else:
            first = await throughput(empty, _ROUND_SECONDS)
            rates.append((first, await throughput(full, _ROUND_SECONDS)))
    return rates


def _lateness_figure(late: _Lateness, size: int, took: float) -> Figure:
    one = {name: percentile(times, 0.95) for name, times in late.one.items()}
    many = {name: percentile(times, 0.95) for name, times in late.many.items()}
    worst_one, worst_many = max(one, key=lambda n: one[n]), max(many, key=lambda n: many[n])
    each = "; ".join(f"{name} {ms(one[name])} and {ms(many[name])}" for name in one)
    return Figure(
        f"list and get with {fill.PIPELINES:,} pipelines, {fill.RUNS:,} runs,"
        f" {fill.RUNS * fill.TASKS // 1_000_000} million task runs stored",
        "–",
        "p95 ≤ 30 ms",
        f"p95 of the slowest {ms(one[worst_one])} ({worst_one}), with {_CLIENTS} clients"
        f" {ms(many[worst_many])} ({worst_many})",
        one[worst_one] <= 0.03 and many[worst_many] <= 0.03,
        f"p95 with one client and with {_CLIENTS} at once, over HTTP: {each}. The file has {size / 1e9:.2f} GB"
        f" (attempts and events included) and was made in {took:.0f} s",
    )


def _rate_figure(rates: list[tuple[float, float]]) -> Figure:
    empty, full = median([e for e, _ in rates]), median([f for _, f in rates])
    # Who comes second in a pair has an advantage, so pairs of both orders are weighed alike.
    ratio = math.exp(fmean(math.log(f / e) for e, f in rates))
    return Figure(
        "run throughput on that store",
        f"{empty:.0f} runs a second on an empty store",
        "within 10 % of that on an empty store",
        f"{full:.0f} runs a second, {ratio:.0%} of it",
        ratio >= 0.9,
        f"{_ROUNDS} pairs of {_ROUND_SECONDS:.0f} s in turn, the geometric mean of their ratios; pair by pair "
        + ", ".join(f"{f / e:.0%}" for e, f in rates),
    )
