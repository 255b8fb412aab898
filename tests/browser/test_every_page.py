"""Each page, full of what real runs leave behind: for everybody to read, in both themes, on any screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import Tab
from tests.support.server import Api

_NAME = "every-page"
_P = f"/ui/n/default/p/{_NAME}"
PAGES = {
    "pipelines": "/ui/n/default",
    "pipeline": _P,
    "run": f"{_P}/runs/1",
    "run-going-on": f"{_P}/runs/2",
    "log": f"{_P}/runs/1/t/report",
    "log-of-a-failure": f"{_P}/runs/1/t/check",
    "events": "/ui/events",
    "system": "/ui/system",
    "nothing": "/ui/n/default/p/no-such-pipeline",
    "unknown": "/ui/no/such/page",
}


@pytest.fixture(scope="module")
def full(server: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A run that has failed, and one that goes on until the last test has looked at it."""
    gate = Gate(tmp_path_factory.mktemp("gate"))
    server.register(
        pipeline(
            _NAME,
            task("fetch", f'printf "\\033[32mfetched\\033[0m %s\\n" "$day"; [ "$day" = today ] || {gate.wait}'),
            task("check", "echo two lines are too long >&2; exit 3", "fetch", allow_failure=True),
            task("report", "echo ::group::Counting; seq 200; echo ::endgroup::; exit 1", "fetch"),
            name="Every page",
            description="What the pages are looked at with.",
            parameters=[{"name": "day", "type": "string", "default": "today"}],
        )
    )
    server.ended(_NAME, server.start(_NAME))
    server.until("taskrun.running", _NAME, server.start(_NAME, day="tomorrow"), "fetch")
    yield server
    gate.open()
    server.ended(_NAME, 2)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(name: str, dark: bool, full: Api, open_tab: OpenTab) -> None:
    tab = open_tab(full.address, dark=dark)
    _open(tab, name)
    tab.picture(f"{name}-{'dark' if dark else 'light'}")
    tab.check_accessible()


@pytest.mark.parametrize("width", [360, 2560])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_the_window(name: str, width: int, full: Api, open_tab: OpenTab) -> None:
    tab = open_tab(full.address, width)
    _open(tab, name)
    tab.picture(f"{name}-{width}")
    tab.check_accessible()


def _open(tab: Tab, name: str) -> None:
    if name == "nothing":
        tab.expect_complaint(r"status of 404 \(Not Found\)")
    tab.open(PAGES[name])
    tab.page.wait_for_load_state("networkidle")
