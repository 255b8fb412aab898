"""A burst of events, and whether the page that shows them answers."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from benchmarks.chromium import Answering, Tab, chromium, tab
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import server
from benchmarks.load import Load
from benchmarks.runs import TWO_TASKS, throughput
from tests.support.server import ServerProcess

_EVENTS = 10_000
_SECONDS = 4.0
_KEYS = 40
_PAGES = {
    "events": ("/ui/events", "main li"),
    "pipelines": ("/ui/n/default", 'a[href="/ui/n/default/p/two"]'),
    "pipeline": ("/ui/n/default/p/two", "main h1"),
}


class _Seen(NamedTuple):
    """`events`: how many came meanwhile."""

    answering: Answering
    events: int


async def console_burst() -> list[Figure]:
    """As many runs as the `fake` engine can, with one page open, then with the next."""
    with server("fake") as host:
        host.api.register(TWO_TASKS)
        async with Load(host.api.address, 1) as load, chromium() as browser:
            seen = {}
            for name, (path, shown) in _PAGES.items():
                async with tab(browser, host.api.address) as one:
                    await one.open(path, shown)
                    seen[name] = await _burst(host, load, one)
    return [_figure(name, one) for name, one in seen.items()]


async def _burst(host: ServerProcess, load: Load, one: Tab) -> _Seen:
    before = await load.last_event()
    await one.begin()
    await asyncio.gather(throughput(host.api.address, _SECONDS), _press_keys(one))
    answering = await one.end()
    return _Seen(answering, await load.last_event() - before)


async def _press_keys(one: Tab) -> None:
    """A key that does nothing, now and then, while the events come."""
    for _ in range(_KEYS):
        await one.page.keyboard.press("Shift")
        await one.page.wait_for_timeout(_SECONDS * 900 / _KEYS)


def _figure(name: str, seen: _Seen) -> Figure:
    longest, delays, frames = seen.answering.longest, seen.answering.delays, seen.answering.frames
    return Figure(
        f"console: longest time in which the page “{name}” did not answer, in a burst of events",
        "–",
        "≤ 200 ms",
        ms(longest),
        longest <= 0.2 and seen.events >= _EVENTS,
        f"{seen.events:,} events in {_SECONDS:.0f} s; frames p50 {ms(median(frames))}, p99"
        f" {ms(percentile(frames, 0.99))}; a key is heard after p50 {ms(median(delays))}, at most {ms(max(delays))}",
    )
