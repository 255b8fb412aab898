"""The page of pipelines with 1,000 of them, which have run 100,000 times."""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

from benchmarks import fill
from benchmarks.chromium import Answering, Tab, chromium, tab
from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import scratch, server_in
from benchmarks.load import NAMESPACE
from benchmarks.wire import Wire
from tests.support.server import ServerProcess

_PIPELINES = 1_000
_TASKS = 5
_LOADS = 5
_ROUNDS = 30
_PAGE = 200
_FILTERS = ("0777", "-0123", "line-09", "chain", "pipeline-0500")
_TABLE = "main [role=table]"


class _Seen(NamedTuple):
    """Seconds. `first`: until rows are there, `all`: until all pipelines are known to the page."""

    pages: list[float]
    whole: list[float]
    first: list[float]
    all: list[float]
    typed: list[float]
    scrolling: Answering


async def console_pipelines() -> list[Figure]:
    """The store is filled, then asked by a bare client, then by the page."""
    with scratch() as folder:
        await asyncio.to_thread(fill.fill, folder / "data" / "gofer.db", _PIPELINES, _TASKS)
        with server_in(folder, "fake") as host:
            pages, whole = await _ask(host)
            return _figures(await _look(host, pages, whole))


async def _ask(host: ServerProcess) -> tuple[list[float], list[float]]:
    """Of each answer, and of all of them one after the other."""
    pages: list[float] = []
    whole: list[float] = []
    async with Wire(host.api.address) as wire:
        for _ in range(_ROUNDS):
            path = first = f"{NAMESPACE}/overview?limit={_PAGE}"
            took = 0.0
            while path:
                seconds, answer = await wire.get(path)
                cursor = json.loads(answer)["next"]
                path = f"{first}&cursor={cursor}" if cursor else ""
                pages.append(seconds)
                took += seconds
            whole.append(took)
    return pages, whole


async def _look(host: ServerProcess, pages: list[float], whole: list[float]) -> _Seen:
    first, known, typed = [], [], []
    async with chromium() as browser:
        for _ in range(_LOADS):
            async with tab(browser, host.api.address) as one:
                first.append(await one.open("/ui/n/default", f"{_TABLE} [aria-rowindex='2']"))
            async with tab(browser, host.api.address) as one:
                known.append(await one.open("/ui/n/default", f"{_TABLE}[aria-rowcount='{_PIPELINES + 1}']"))
                if len(known) == _LOADS:
                    typed = [seconds for word in _FILTERS for seconds in await _type(one, word)]
                    scrolling = await _scroll(one)
    return _Seen(pages, whole, first, known, typed, scrolling)


async def _type(one: Tab, word: str) -> list[float]:
    """Each letter, until the list has what is left; then none."""
    box = one.page.get_by_role("searchbox").first
    await box.fill("")
    await box.focus()
    took = []
    for end in range(1, len(word) + 1):
        left = sum(_matches(number, word[:end]) for number in range(_PIPELINES))
        await one.expect(f"{_TABLE}[aria-rowcount='{left + 1}']")
        await one.page.keyboard.press(word[end - 1])
        took.append(await one.since_input())
    return took


def _matches(number: int, text: str) -> bool:
    return any(text in field.lower() for field in (fill.pipeline_id(number), f"Pipeline {number}", "A chain."))


async def _scroll(one: Tab) -> Answering:
    await one.page.get_by_role("searchbox").first.fill("")
    await one.page.mouse.move(640, 600)
    await one.begin()
    for _ in range(200):
        await one.page.mouse.wheel(0, 120)
        await one.page.wait_for_timeout(12)
    return await one.end()


def _figures(seen: _Seen) -> list[Figure]:
    name = f"console: pipelines page, {_PIPELINES:,} pipelines, {fill.RUNS:,} runs"
    api, all_known = percentile(seen.pages, 0.95), median(seen.all)
    typed = percentile(seen.typed, 0.95)
    frames = seen.scrolling.frames
    return [
        Figure(
            f"{name}: API, {_PAGE} pipelines at a glance",
            "–",
            "p95 ≤ 100 ms",
            f"p50 {ms(median(seen.pages))}, p95 {ms(api)}",
            api <= 0.1,
            f"{len(seen.pages)} answers; all {_PIPELINES:,} one answer after the other {ms(median(seen.whole))}",
        ),
        Figure(
            f"{name}: from the address until all are drawn",
            f"{ms(median(seen.whole))} for the API alone",
            "< 2 s",
            ms(all_known),
            all_known < 2,
            f"median of {_LOADS} with an empty cache, slowest {ms(max(seen.all))}; the first rows are there after"
            f" {ms(median(seen.first))}",
        ),
        Figure(
            f"{name}: from a letter in the filter to what is left",
            "–",
            "p95 ≤ 100 ms",
            f"p50 {ms(median(seen.typed))}, p95 {ms(typed)}",
            typed <= 0.1,
            f"{len(seen.typed)} letters, slowest {ms(max(seen.typed))}; scrolling by the wheel: frames p50"
            f" {ms(median(frames))}, p99 {ms(percentile(frames, 0.99))}",
        ),
    ]
