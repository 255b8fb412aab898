"""Two hundred open tabs of the console, and what they take from runs."""

from __future__ import annotations

import asyncio
import math
import time
from statistics import fmean
from typing import NamedTuple

from benchmarks.chromium import Answering, chromium, tab
from benchmarks.crowd import Crowd
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import cpu_seconds, pid, rss_bytes, server
from benchmarks.load import Ends, Load
from benchmarks.runs import TWO_TASKS, throughput
from tests.support.server import ServerProcess

_TABS = 200
_ROUNDS = 6
_SECONDS = 5.0
_PACE = 100
"""Runs a second, of a server that is used much, but not as much as can be."""


class _Round(NamedTuple):
    """Runs a second, and of the server's processor time what a run took, in seconds."""

    rate: float
    cost: float


class _Seen(NamedTuple):
    """`clients`: the share of a core that the tabs' own process took; the rest in bytes and requests."""

    pairs: list[tuple[_Round, _Round]]
    clients: float
    requests: int
    sent: int
    size_alone: int
    size: int
    real: Answering
    paced_alone: list[float]
    paced: list[float]


async def console_tabs() -> list[Figure]:
    """Two servers, one with all the tabs; runs go on at one after the other."""
    with server("fake") as alone, server("fake") as host:
        for one in (alone, host):
            one.api.register(TWO_TASKS)
        async with Crowd(host.api.address, _TABS, "two") as crowd:
            paced_alone, paced = [], []
            for _ in range(2):
                paced_alone += await _paced(alone)
                paced += await _paced(host)
            before = cpu_seconds(crowd.pid)
            pairs = [await _pair(alone, host, turn) for turn in range(_ROUNDS)]
            clients = (cpu_seconds(crowd.pid) - before) / (_ROUNDS * _SECONDS)
            heard, requests = await crowd.heard()
            size_alone, size = rss_bytes(pid(alone)), rss_bytes(pid(host))
            assert min(heard) > 0.9 * max(heard), "a tab has lagged behind"
            real = await _real(host)
    return _figures(_Seen(pairs, clients, requests, sum(heard), size_alone, size, real, paced_alone, paced))


async def _pair(alone: ServerProcess, host: ServerProcess, turn: int) -> tuple[_Round, _Round]:
    if turn % 2:
        second = await _round(host)
        return await _round(alone), second
    return await _round(alone), await _round(host)


async def _round(host: ServerProcess) -> _Round:
    before = cpu_seconds(pid(host))
    rate = await throughput(host.api.address, _SECONDS)
    return _Round(rate, (cpu_seconds(pid(host)) - before) / (rate * _SECONDS))


async def _paced(host: ServerProcess) -> list[float]:
    """Of each run, in seconds: from the call that starts it until its end is told."""
    async with Load(host.api.address, 200) as load, Ends(load, "two").listening() as ends:
        begin = time.perf_counter()

        async def one(turn: int) -> float:
            await asyncio.sleep(begin + turn / _PACE - time.perf_counter())
            before = time.perf_counter()
            await ends.wait(await load.start("two"))
            return time.perf_counter() - before

        return list(await asyncio.gather(*(one(turn) for turn in range(int(_PACE * _SECONDS)))))


async def _real(host: ServerProcess) -> Answering:
    """A tab of a browser beside the others, while runs go on; in the end it shows the last one."""
    async with chromium() as browser, tab(browser, host.api.address) as one:
        await one.open("/ui/n/default", 'a[href="/ui/n/default/p/two"]')
        await one.begin()
        await throughput(host.api.address, _SECONDS)
        answering = await one.end()
        last = host.api.get("namespaces/default/pipelines/two/runs", limit=1)["items"][0]["id"]
        await one.page.locator(f'a[href="/ui/n/default/p/two/runs/{last}"]').wait_for()
        return answering


def _figures(seen: _Seen) -> list[Figure]:
    # Who comes second in a pair has an advantage, so pairs of both orders are weighed alike.
    ratio = math.exp(fmean(math.log(with_tabs.rate / alone.rate) for alone, with_tabs in seen.pairs))
    alone, with_tabs = (median([pair[at].rate for pair in seen.pairs]) for at in (0, 1))
    cost_alone, cost = (median([pair[at].cost for pair in seen.pairs]) for at in (0, 1))
    grown = seen.size - seen.size_alone
    p99_alone, p99 = (percentile(took, 0.99) for took in (seen.paced_alone, seen.paced))
    return [
        Figure(
            f"console: a run of two tasks, {_PACE} runs a second, with {_TABS} open tabs",
            f"p50 {ms(median(seen.paced_alone))}, p99 {ms(p99_alone)} without",
            "p99 ≤ 50 ms more",
            f"p50 {ms(median(seen.paced))}, p99 {ms(p99)}",
            p99 <= p99_alone + 0.05,
            f"from the call that starts it until its end is told, on `fake`; {len(seen.paced):,} runs, as many without",
        ),
        Figure(
            f"console: run throughput with {_TABS} open tabs",
            f"{alone:.0f} runs a second without",
            "≥ 90 % of that without",
            f"{with_tabs:.0f} runs a second, {ratio:.0%} of it",
            ratio >= 0.9,
            f"{_ROUNDS} pairs of {_SECONDS:.0f} s in turn, pair by pair "
            + ", ".join(f"{b.rate / a.rate:.0%}" for a, b in seen.pairs)
            + f"; a run took the server {ms(cost_alone)} of processor time without and {ms(cost)} with them; the tabs'"
            f" process, on the same cores, took {seen.clients:.0%} of a core, had {seen.sent / 1e6:.0f} MB of events"
            f" and asked {seen.requests:,} times; a tab of a browser beside them answered at any time within"
            f" {ms(seen.real.longest)}",
        ),
        Figure(
            f"console: memory of the server with {_TABS} open tabs",
            f"{seen.size_alone / 1e6:.0f} MB without",
            "≤ 20 MB more",
            f"{grown / 1e6:.0f} MB more",
            grown <= 20e6,
            "resident, after the same number of rounds of runs",
        ),
    ]
