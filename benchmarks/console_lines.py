"""From a line's printing to the screen, and whether the page answers while far more comes than anybody can read."""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_left
from typing import NamedTuple

from playwright.async_api import Browser

from benchmarks.chromium import Answering, Tab, chromium, tab
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import server
from benchmarks.load import NAMESPACE, Ends, Load
from tests.support.server import ServerProcess

_RATES = {1: 30, 100: 15, 10_000: 10}
"""Lines a second, and for how many seconds."""

_FLOOD = 50_000
_FLOOD_SECONDS = 10
_KEYS = 60
_PATIENCE = 60

# In bursts of 5 ms, if there are so many; each line begins with when it was printed. Begins when that file is there.
_PRINTER = """
import os, sys, time
while not os.path.exists(os.environ["BEGIN"]):
    time.sleep(0.01)
rate, total = int(os.environ["RATE"]), int(os.environ["TOTAL"])
filler = "x" * 81
begin, made = time.monotonic(), 0
while made < total:
    due = min(int((time.monotonic() - begin) * rate), total)
    if due > made:
        sys.stdout.write(f"{time.time():.6f} {filler}\\n" * (due - made))
        sys.stdout.flush()
        made = due
    time.sleep(max(0.005, (made + 1) / rate - (time.monotonic() - begin)))
"""


class _Seen(NamedTuple):
    """`late`: of every line, in seconds; `lasted`: from the first line's printing to the last one's."""

    late: list[float]
    answering: Answering
    lasted: float


async def console_lines() -> list[Figure]:
    """One task after the other, a tab that follows its log."""
    with server("process") as host:
        async with Load(host.api.address, 4) as load, chromium() as browser:
            seen = {rate: await _follow(host, load, browser, rate, seconds) for rate, seconds in _RATES.items()}
            flood = await _follow(host, load, browser, _FLOOD, _FLOOD_SECONDS)
    return [*(_late_figure(rate, one) for rate, one in seen.items()), _flood_figure(flood)]


async def _follow(host: ServerProcess, load: Load, browser: Browser, rate: int, seconds: int) -> _Seen:
    name, total = f"lines-{rate}", rate * seconds
    begin = host.home / name
    variables = {"BEGIN": str(begin), "RATE": str(rate), "TOTAL": str(total)}
    task = {"id": "a", "image": "i", "command": [sys.executable, "-c", _PRINTER], "variables": variables}
    await load.register({"id": name, "tasks": [task]})
    async with Ends(load, name).listening() as ends, tab(browser, host.api.address) as one:
        run = await load.start(name)
        await one.open(f"/ui/n/default/p/{name}/runs/{run}/t/a", "button[aria-pressed=true]", "Follow")
        await one.page.evaluate("benchmark.watchEnd()")
        await one.begin()
        await asyncio.to_thread(begin.touch)
        await _press_keys(one, seconds)
        await ends.wait(run)
        await asyncio.wait_for(one.page.evaluate(f"benchmark.endsWith({total})"), _PATIENCE)
        answering = await one.end()
        frames = await one.page.evaluate("benchmark.ends()")
    raw = await load.get(f"{NAMESPACE}/pipelines/{name}/runs/{run}/tasks/a/log/raw")
    printed = [float(line.split(b" ", 1)[0]) for line in raw.splitlines()]
    assert len(printed) == total, len(printed)
    return _Seen(lateness(printed, frames), answering, printed[-1] - printed[0])


async def _press_keys(one: Tab, seconds: int) -> None:
    """A key that does nothing, now and then, while the lines come."""
    for _ in range(_KEYS):
        await one.page.keyboard.press("Shift")
        await one.page.wait_for_timeout(seconds * 900 / _KEYS)


def lateness(printed: list[float], frames: list[tuple[float, int]]) -> list[float]:
    """Of every line, in seconds: from its printing to the first frame whose last line is that one or a later one.

    `printed`: times since the epoch in seconds, of the first line and those after it; `frames`: times in milliseconds,
    each with the number of its last line, in order, the last line of all among them.
    """
    numbers = [number for _, number in frames]
    return [frames[bisect_left(numbers, line)][0] / 1000 - at for line, at in enumerate(printed, 1)]


def _late_figure(rate: int, seen: _Seen) -> Figure:
    p50, p99 = median(seen.late), percentile(seen.late, 0.99)
    return Figure(
        f"console: line printed to line on the screen, {rate:,} lines/s",
        "–",
        "p99 ≤ 100 ms",
        f"p50 {ms(p50)}, p99 {ms(p99)}",
        p99 <= 0.1,
        f"{len(seen.late):,} lines in {seen.lasted:.0f} s; longest time in which the page did not answer"
        f" {ms(seen.answering.longest)}",
    )


def _flood_figure(seen: _Seen) -> Figure:
    longest, rate = seen.answering.longest, (len(seen.late) - 1) / seen.lasted
    delays, frames = seen.answering.delays, seen.answering.frames
    return Figure(
        f"console: longest time in which the page did not answer, {_FLOOD:,} lines/s",
        "–",
        "≤ 200 ms",
        ms(longest),
        longest <= 0.2 and rate >= 0.95 * _FLOOD,
        f"{rate:,.0f} lines a second came from the task; frames p50 {ms(median(frames))},"
        f" p99 {ms(percentile(frames, 0.99))}; a key is heard after p50 {ms(median(delays))}, at most"
        f" {ms(max(delays))}; lines are on the screen after p50 {ms(median(seen.late))},"
        f" p99 {ms(percentile(seen.late, 0.99))}",
    )
