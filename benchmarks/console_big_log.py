"""A log of 200 MB in the browser: its end, any line, scrolling, searching, and what all that takes of memory."""

from __future__ import annotations

import json
import random
import sys
import time
from typing import NamedTuple

from benchmarks.chromium import Answering, Memory, Tab, chromium, tab
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import server
from benchmarks.load import NAMESPACE, Ends, Load
from tests.support.server import ServerProcess

_LINES = 2_000_000
_OPENINGS = 5
_JUMPS = 20
_TURNS = 300
_EVERY = 10_000

# Lines of 100 bytes; one in so many has the word that is searched for.
_PRINTER = f"""
import sys
for first in range(1, {_LINES} + 1, 1000):
    sys.stdout.write("".join(
        f"{{n:8}} {{'needle' if n % {_EVERY} == 0 else 'please'}} {{'x' * 83}}\\n" for n in range(first, first + 1000)))
"""
_LOG = "/ui/n/default/p/big/runs/1/t/a"
_SEARCH = "[role=search] [role=status]"


class _Seen(NamedTuple):
    """Seconds. `server`: for a search with no browser."""

    openings: list[float]
    jumps: list[float]
    scrolling: Answering
    search: float
    server: float
    opened: Memory
    used: Memory


async def console_big_log() -> list[Figure]:
    """A real task writes it."""
    with server("process") as host:
        async with Load(host.api.address, 4) as load:
            await load.register(
                {"id": "big", "tasks": [{"id": "a", "image": "i", "command": [sys.executable, "-c", _PRINTER]}]}
            )
            async with Ends(load, "big").listening() as ends:
                await ends.wait(await load.start("big"))
                assert ends.statuses == {"successful": 1}, ends.statuses
            alone = await _search_alone(load)
        return _figures(await _read(host, alone))


async def _search_alone(load: Load) -> float:
    """Over the whole log, until the stream of what was found ends."""
    path = f"{NAMESPACE}/pipelines/big/runs/1/tasks/a/log/search/stream?pattern=needle&literal=true&ignore_case=true"
    before, count = time.perf_counter(), 0
    async with load.session.ws_connect(path, max_msg_size=0, compress=0) as socket:
        async for message in socket:
            count = json.loads(message.data).get("count", count)
    assert count == _LINES // _EVERY, count
    return time.perf_counter() - before


async def _read(host: ServerProcess, alone: float) -> _Seen:
    openings = []
    async with chromium() as browser:
        for _ in range(_OPENINGS - 1):
            async with tab(browser, host.api.address) as one:
                openings.append(await one.open(_LOG, _line(_LINES)))
        async with tab(browser, host.api.address) as one:
            openings.append(await one.open(_LOG, _line(_LINES)))
            opened = await one.memory()
            dice = random.Random(1)
            jumps = [await _jump(one, dice.randrange(1, _LINES)) for _ in range(_JUMPS)]
            scrolling = await _scroll(one)
            search = await _search(one)
            return _Seen(openings, jumps, scrolling, search, alone, opened, await one.memory())


def _line(number: int) -> str:
    return f'a.number[data-line="{number}"]'


async def _jump(one: Tab, line: int) -> float:
    """By its address, as a link from elsewhere does."""
    return await one.after(f"location.hash = '#L{line}'", _line(line))


async def _scroll(one: Tab) -> Answering:
    """By the wheel, a turn of 120 pixels about every 16 ms, up and down."""
    await one.page.mouse.move(640, 600)
    await one.begin()
    for turn in range(_TURNS):
        await one.page.mouse.wheel(0, -120 if turn < _TURNS // 2 else 120)
        await one.page.wait_for_timeout(12)
    return await one.end()


async def _search(one: Tab) -> float:
    """From the last letter until all is counted; the console waits a moment for more letters first."""
    box = one.page.get_by_role("searchbox", name="Search the whole log")
    await box.focus()
    await one.expect(_SEARCH, f"^{_LINES // _EVERY}$")
    await one.page.keyboard.type("needle")
    return await one.since_input()


def _figures(seen: _Seen) -> list[Figure]:
    opened, jump = median(seen.openings), percentile(seen.jumps, 0.99)
    frames = seen.scrolling.frames
    p50, p99 = median(frames), percentile(frames, 0.99)
    used = seen.used
    name = f"console: log of {_LINES:,} lines, 200 MB"
    return [
        Figure(
            f"{name}: from the address to its last lines",
            "–",
            "< 1 s",
            ms(opened),
            opened < 1,
            f"median of {_OPENINGS}, slowest {ms(max(seen.openings))}, with an empty cache",
        ),
        Figure(
            f"{name}: from a link to its line",
            "–",
            "p99 < 1 s",
            f"p50 {ms(median(seen.jumps))}, p99 {ms(jump)}",
            jump < 1,
            f"{_JUMPS} lines by chance, in an open page",
        ),
        Figure(
            f"{name}: frame times while scrolling",
            "16.7 ms (60 a second)",
            "p50 ≤ 17 ms, p99 ≤ 50 ms",
            f"p50 {ms(p50)}, p99 {ms(p99)}",
            p50 <= 0.017 and p99 <= 0.05,
            f"{len(frames)} frames, longest {ms(max(frames))}; {_TURNS} turns of the wheel of 120 pixels",
        ),
        Figure(
            f"{name}: memory of the tab",
            f"{_mb(seen.opened.private)} when it has opened, {_mb(seen.opened.heap)} of it JavaScript's",
            "< 150 MB",
            _mb(used.private),
            used.private < 150e6,
            "of the renderer's process, what it shares with no other, after all that is measured here;"
            f" {_mb(used.heap)} are JavaScript's objects",
        ),
        Figure(
            f"{name}: search over all of it",
            f"{ms(seen.server)} with no browser",
            "–",
            ms(seen.search),
            True,
            f"from the last letter until all {_LINES // _EVERY} matches are counted; the console waits 200 ms for more"
            " letters",
        ),
    ]


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
