"""The log page, as who reads it knows it, and what a task prints when the test wants it printed."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Literal

from playwright.sync_api import Locator, Page, expect

from tests.browser.tab import Tab
from tests.support.server import Api

_ITEMS: tuple[Literal["menuitem", "menuitemradio", "menuitemcheckbox"], ...] = (
    "menuitem",
    "menuitemradio",
    "menuitemcheckbox",
)


class Feed:
    """What a task prints, as it is written here. The task ends when the feed is closed."""

    def __init__(self, folder: Path, name: str = "feed") -> None:
        self._path = folder / name
        os.mkfifo(self._path)
        self._file: int | None = None

    @property
    def print(self) -> str:
        """The line of a script that prints what comes."""
        return f"cat {shlex.quote(str(self._path))}"

    def write(self, text: str) -> None:
        """Waits for the task to read, if it has to."""
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY)
        data = memoryview(text.encode())
        while data:
            data = data[os.write(self._file, data) :]

    def lines(self, first: int, last: int, text: str = "line") -> None:
        """`line 7`, and so on."""
        self.write("".join(f"{text} {number}\n" for number in range(first, last + 1)))

    def close(self) -> None:
        """Ends what reads it; also what would begin to read later."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._path.unlink(missing_ok=True)


class LogPage:
    """The page of one task's log."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.region = page.get_by_role("region", name="Lines of the log")
        self.following = page.get_by_role("button", name=re.compile("Follow"))
        self.chosen = page.get_by_role("group", name="Chosen lines")
        self.field = page.get_by_role("searchbox", name="Search the whole log")
        self.count = page.get_by_role("search").get_by_role("status")

    def number(self, line: int) -> Locator:
        """The number of a line, which is a link."""
        return self.region.get_by_role("link", name=str(line), exact=True)

    def line(self, number: int) -> Locator:
        """The row of a line."""
        return self.region.locator("[data-index]", has=self.page.get_by_role("link", name=str(number), exact=True))

    def text(self, number: int) -> Locator:
        """What a line reads, without its number and time."""
        return self.line(number).locator(".text")

    def sees(self, number: int, text: str | None = None) -> None:
        """That line is in view, and reads so."""
        expect(self.line(number)).to_be_in_viewport()
        if text is not None:
            expect(self.line(number)).to_contain_text(text)

    def follows(self, is_following: bool = True) -> None:
        """Whether new lines are followed."""
        expect(self.following).to_have_attribute("aria-pressed", "true" if is_following else "false")

    def has(self, lines: int) -> None:
        """So many lines are in the log."""
        expect(self.page.get_by_text(f"{lines:,} line{'' if lines == 1 else 's'}", exact=True)).to_be_visible()

    def top(self, number: int) -> float:
        """Where a line stands in the window."""
        box = self.line(number).bounding_box()
        assert box is not None
        return box["y"]

    def choose(self, name: str) -> None:
        """From the menu of what else can be done."""
        self.page.get_by_role("button", name="More").click()
        items = [self.page.get_by_role(role, name=name, exact=True) for role in _ITEMS]
        items[0].or_(items[1]).or_(items[2]).click()

    def group(self, name: str, more: str = "") -> Locator:
        """The button that folds a group."""
        return self.region.get_by_role("button", name=re.compile(rf"^{name}\s*, group{more}$"))


def address(name: str, task: str = "say", run: int = 1) -> str:
    """Of a task's log."""
    return f"/ui/n/default/p/{name}/runs/{run}/t/{task}"


def open_log(tab: Tab, name: str, task: str = "say", more: str = "") -> LogPage:
    """Goes to a log of the first run."""
    return LogPage(tab.open(address(name, task) + more))


def running(server: Api, name: str, task: str = "say") -> int:
    """Starts a run, and waits until the task is under way."""
    run = server.start(name)
    server.until("taskrun.running", name, run, task)
    return run
