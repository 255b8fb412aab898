"""A tab of Chromium that remembers what its page complained of, and what it wanted from elsewhere."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, WebSocket, expect

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000
"""Milliseconds: other tests run beside these."""

PICTURES = os.environ.get("GOFER_TEST_PICTURES", "")
"""A folder for pictures of pages, to be looked at."""

AWAY = "net::ERR_|WebSocket connection to|failed: |status of 503"
"""What a browser says of a server that was killed, or is starting: for `Tab.expect_complaint`."""

_AXE = ROOT / "gofer/ui/console/node_modules/axe-core/axe.min.js"
_WIDTH = "document.documentElement.scrollWidth"


class Tab:
    """One tab in a browser of its own: nothing is kept from another. `page` is Playwright's."""

    def __init__(self, browser: Browser, address: str, width: int = 1280, *, dark: bool = False) -> None:
        self.address = address
        self.context = browser.new_context(
            viewport={"width": width, "height": 900 if width > 600 else 740},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            timezone_id="Europe/Vienna",
            locale="en-GB",
        )
        self.context.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self.context.on("page", self._watch)
        self.page: Page = self.context.new_page()

    def open(self, path: str) -> Page:
        """Goes to an address of the server, such as `/ui/`, and waits for a heading to read."""
        self.page.goto(self.address + path)
        expect(self.page.locator("main h1, main [role=alert]").first).to_be_visible(timeout=PATIENCE)
        return self.page

    def other(self, path: str) -> Page:
        """A second tab of the same browser."""
        page = self.context.new_page()
        page.goto(self.address + path)
        return page

    def expect_complaint(self, pattern: str) -> None:
        """Complaints that match are part of the test: of a server that is away, say."""
        self._expected.append(re.compile(pattern))

    def faults(self) -> list[str]:
        """What nobody expected."""
        return [one for one in self.complaints if not any(known.search(one) for known in self._expected)]

    def check_accessible(self) -> None:
        """axe has nothing serious to say of the page, and it does not scroll sideways."""
        self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [_told(one) for one in found["violations"] if one["impact"] in ("serious", "critical")]
        assert not serious, "\n".join(serious)
        assert self.page.viewport_size is not None
        assert self.page.evaluate(_WIDTH) <= self.page.viewport_size["width"], "the page is wider than the window"

    def picture(self, name: str) -> None:
        """Takes one where GOFER_TEST_PICTURES says so."""
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/{name}.png")

    def _watch(self, page: Page) -> None:
        page.on("console", lambda message: self.complaints.append(_said(message)))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", lambda request: self._see(request.url))
        page.on("websocket", self._see_socket)

    def _failed(self, request: Request) -> None:
        # A page that is left gives up what it has not loaded yet.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}: {request.failure}")

    def _see(self, url: str) -> None:
        if not url.startswith((f"{self.address}/", "data:", "blob:")):
            self.complaints.append(f"foreign: {url}")

    def _see_socket(self, socket: WebSocket) -> None:
        if not socket.url.startswith(self.address.replace("http", "ws", 1) + "/"):
            self.complaints.append(f"foreign: {socket.url}")


def _said(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text} ({message.location['url']})"


def _told(violation: dict[str, Any]) -> str:
    nodes = [f"  {node['html'][:200]}\n    {json.dumps(node['any'][:1])[:300]}" for node in violation["nodes"][:5]]
    return "\n".join([f"{violation['id']} ({violation['impact']}): {violation['help']}", *nodes])
