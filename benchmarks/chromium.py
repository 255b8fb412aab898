"""Debian's Chromium, and pages in it that tell what a reader would notice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.tab import ARGUMENTS, CHROMIUM

_SCRIPT = Path(__file__).with_name("in_page.js").read_text(encoding="utf-8")
_PATIENCE = 60_000


class Memory(NamedTuple):
    """Bytes. `heap`: of JavaScript, after a collection. `private`: of the renderer's process, shared with no other."""

    heap: int
    private: int


class Answering(msgspec.Struct, frozen=True):
    """Seconds: between frames, from a key until the page hears of it, and of tasks of more than 50 ms."""

    frames: list[float]
    delays: list[float]
    tasks: list[float]

    @property
    def longest(self) -> float:
        """For how long the page did not answer at worst."""
        return max([*self.frames, *self.delays, *self.tasks], default=0.0)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, without a page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def tab(browser: Browser, address: str) -> AsyncIterator[Tab]:
    """A page of 1,280 by 900 pixels, whose cache is empty."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_PATIENCE)
    try:
        yield await Tab.of(context, address)
    finally:
        await context.close()


class Tab:
    """One page. Times are in seconds, by the page's clock."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address

    @classmethod
    async def of(cls, context: BrowserContext, address: str) -> Tab:
        """A new page in a context."""
        page = await context.new_page()
        await page.add_init_script(_SCRIPT)
        return cls(page, address)

    async def open(self, path: str, selector: str, pattern: str = "") -> float:
        """From the call for an address until an element that matches is on the screen."""
        awaited = f"benchmark.expect({json.dumps(selector)}, {json.dumps(pattern)})"
        await self.page.add_init_script(awaited)
        await self.page.goto(self._address + path, wait_until="commit")
        found: float = await self.page.evaluate("benchmark.expected")
        return found / 1000

    async def expect(self, selector: str, pattern: str = "") -> None:
        """What the next key or press is to bring."""
        await self.page.evaluate("([one, two]) => benchmark.expect(one, two)", [selector, pattern])

    async def since_input(self) -> float:
        """From the last key or press until what was expected is on the screen."""
        found: float = await self.page.evaluate("benchmark.sinceInput()")
        return found / 1000

    async def after(self, action: str, selector: str, pattern: str = "") -> float:
        """From a statement of JavaScript until an element that matches is on the screen."""
        call = f"([one, two]) => benchmark.after(() => {{ {action} }}, one, two)"
        found: float = await self.page.evaluate(call, [selector, pattern])
        return found / 1000

    async def begin(self) -> None:
        """From now on it is noted how the page answers."""
        await self.page.evaluate("benchmark.begin()")

    async def end(self) -> Answering:
        """How it has answered since."""
        found = await self.page.evaluate("benchmark.end()")
        return Answering(**{name: [ms / 1000 for ms in values] for name, values in found.items()})

    async def memory(self) -> Memory:
        """Of the browser's largest page; the process's is read before anything is collected."""
        browser = self.page.context.browser
        assert browser is not None
        session = await browser.new_browser_cdp_session()
        processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        await session.detach()
        private = max(_private_bytes(one["id"]) for one in processes if one["type"] == "renderer")
        own = await self.page.context.new_cdp_session(self.page)
        await own.send("HeapProfiler.collectGarbage")
        heap = (await own.send("Runtime.getHeapUsage"))["usedSize"]
        await own.detach()
        return Memory(int(heap), private)


def _private_bytes(process_id: int) -> int:
    """Resident memory of a process that no other process has."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024
