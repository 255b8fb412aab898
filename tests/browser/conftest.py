"""A real browser, a real server, and real runs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from gofer.server.site.console import ARCHIVE
from tests.browser.jobs import Gate
from tests.browser.logs import Feed
from tests.browser.tab import ARGUMENTS, CHROMIUM, PATIENCE, Tab
from tests.support.server import Api, ServerProcess

OpenTab = Callable[..., Tab]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium; each tab is in a context of its own."""
    assert ARCHIVE.exists(), "the console is not built: make ui"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for all journeys that do no harm to it, on the process engine. Each has pipelines of its own there."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), "process")
    try:
        yield process.start()
    finally:
        assert process.stop() == 0, process.log_text()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of this test alone, which it may kill and start again: the address stays. Not yet started."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    process = ServerProcess(tmp_path / "own", "process", host=host)
    yield process
    process.stop()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[OpenTab]:
    """Makes tabs: `open_tab(server.address, width=400, dark=True)`. In the end none of them may have complained."""
    tabs: list[Tab] = []

    def make(address: str, width: int = 1280, *, dark: bool = False) -> Tab:
        tab = Tab(browser, address, width, dark=dark)
        tabs.append(tab)
        return tab

    yield make
    faults = [fault for tab in tabs for fault in tab.faults()]
    for tab in tabs:
        tab.context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def tab(open_tab: OpenTab, server: Api) -> Tab:
    """A tab at the shared server, 1,280 pixels wide, light."""
    return open_tab(server.address)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """What tasks of this test wait for; it opens by itself when the test ends."""
    gate = Gate(tmp_path)
    yield gate
    gate.open()


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    """What a task of this test prints; the task ends with it."""
    feed = Feed(tmp_path)
    yield feed
    feed.close()
