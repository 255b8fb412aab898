"""The console's first load: what comes over the wire, and how soon it can be used."""

from __future__ import annotations

from playwright.async_api import Browser

from benchmarks.chromium import Tab, chromium, tab
from benchmarks.figure import Figure, median, ms
from benchmarks.host import server
from benchmarks.runs import TWO_TASKS

_LOADS = 9
_SHOWN = 'a[href="/ui/n/default/p/two"]'
# Until what is to be seen is there and nothing keeps the page from answering.
_LAST_TASK = "Math.max(0, ...benchmark.tasks().map(([start, lasted]) => start + lasted))"


async def console_shell() -> list[Figure]:
    """Nothing in the cache, each time; in turn with a page of the same server that has nothing."""
    sizes: list[int] = []
    times: list[float] = []
    floors: list[float] = []
    with server("fake") as host:
        host.api.register(TWO_TASKS)
        async with chromium() as browser:
            for turn in range(_LOADS + 1):
                floor = await _empty(browser, host.api.address)
                size, took = await _load(browser, host.api.address)
                if turn:
                    sizes.append(size)
                    times.append(took)
                    floors.append(floor)
    size, took = max(sizes), median(times)
    return [
        Figure(
            "console: first load of the shell, bytes over the wire",
            "–",
            "≤ 200 kB",
            f"{size / 1000:.0f} kB",
            size <= 200_000,
            "everything until the list of pipelines can be used: page, scripts, styles, pictures and what the API"
            " answers, as packed and with its headers",
        ),
        Figure(
            "console: first load until it can be used",
            f"{ms(median(floors))} for an empty page of the same server",
            "< 1 s",
            ms(took),
            took < 1,
            f"median of {_LOADS}, slowest {ms(max(times))}; the cache is empty, the browser runs",
        ),
    ]


async def _empty(browser: Browser, address: str) -> float:
    async with tab(browser, address) as found:
        return await found.open("/healthz", "body")


async def _load(browser: Browser, address: str) -> tuple[int, float]:
    """Bytes, and seconds until a frame shows the list and no long task is under way."""
    async with tab(browser, address) as found:
        size = 0

        def finished(event: dict[str, float]) -> None:
            nonlocal size
            size += int(event["encodedDataLength"])

        session = await found.page.context.new_cdp_session(found.page)
        session.on("Network.loadingFinished", finished)
        await session.send("Network.enable")
        took = await found.open("/ui/", _SHOWN)
        await found.page.wait_for_load_state("networkidle")
        return size, max(took, await _busy_until(found))


async def _busy_until(found: Tab) -> float:
    end: float = await found.page.evaluate(_LAST_TASK)
    return end / 1000
