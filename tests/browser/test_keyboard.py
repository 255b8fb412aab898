"""With keys alone: the way from a pipeline to a line of a log and back; the focus is seen, goes on, and comes back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import pipeline, task
from tests.browser.logs import LogPage
from tests.browser.tab import Tab
from tests.support.server import Api

_FOCUS = """() => {
  const element = document.activeElement;
  if (element === document.body) return {name: "", isSeen: true};
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const hasMark = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const isThere = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {name: element.outerHTML.slice(0, 160), isSeen: hasMark && isThere};
}"""
_SKIP = "To the content"
_MOST = 120
"""Presses of Tab; no page of these has so many stops."""


def test_from_the_pipelines_to_a_line_of_a_log_and_back(tab: Tab, server: Api) -> None:
    script = 'for i in 1 2 3 4 5 6; do echo "$WORD $i"; echo other; done; exit 1'
    say = task("say", script)
    parameters = [{"name": "WORD", "type": "string", "default": "none"}]
    server.register(pipeline("by-key", say, task("after", "true", "say"), parameters=parameters))
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = tab.open("/ui/n/default")
    keys = page.keyboard
    keys.press("/")
    keys.type("by-key")
    _tab_to(page, page.get_by_role("link", name="by-key", exact=True))
    keys.press("Enter")
    page.wait_for_url("**/p/by-key")
    expect(page.get_by_role("button", name="Start a run…")).to_be_enabled()
    keys.press("r")
    expect(page.get_by_role("dialog").get_by_label("WORD")).to_be_focused()
    keys.press("Control+a")
    keys.type("needle")
    keys.press("Enter")
    page.wait_for_url("**/p/by-key/runs/1")
    expect(page.get_by_role("heading", name="failed by-key #1")).to_be_visible()
    _tab_to(page, page.get_by_role("region", name="What failed").get_by_role("link", name="Log"))
    keys.press("Enter")
    page.wait_for_url("**/runs/1/t/say")
    log = LogPage(page)
    log.has(12)
    keys.press("/")
    keys.type("needle [35]")
    _tab_to(page, page.get_by_role("button", name="Regular expression"))
    keys.press("Space")
    expect(log.count).to_contain_text("2")
    keys.press("n")
    log.sees(5)
    keys.press("l")
    expect(page.get_by_role("dialog", name="Go to a line").get_by_role("textbox")).to_be_focused()
    keys.type("3-5")
    keys.press("Enter")
    expect(log.chosen).to_contain_text("Lines 3 to 5")
    _tab_to(page, log.chosen.get_by_role("button", name="Copy link"))
    keys.press("Enter")
    expect(page.get_by_text("The link is copied.")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).endswith("#L3-L5")
    _tab_to(page, page.get_by_role("navigation", name="Where you are").get_by_role("link", name="#1"), "Shift+Tab")
    keys.press("Enter")
    page.wait_for_url("**/p/by-key/runs/1")
    keys.press("g")
    keys.press("p")
    page.wait_for_url("**/ui/n/default")
    expect(page.get_by_role("link", name="by-key", exact=True)).to_be_visible()


_PAGES = {
    "n/default": "Filter the pipelines",
    "n/default/p/around": "Start a run",
    "n/default/p/around?tab=versions": "Start a run",
    "n/default/p/around?tab=deployments": "Start a run",
    "n/default/p/around/runs/1": "Start it again",
    "n/default/p/around/runs/1/t/say": "Search the log",
    # Those of other tests are many.
    "events?pipeline=around": "Pause the events",
    "system": "Go to the pipelines",
    "system/triggers": "Go to the pipelines",
    "system/access": "Go to the pipelines",
}


@pytest.fixture(scope="module")
def around(server: Api) -> None:
    """A pipeline with a run that has failed."""
    server.register(pipeline("around", task("say", "echo 1; exit 1")))
    server.register(pipeline("around", task("say", "echo 2; exit 1"), task("after", "true", "say")))
    server.ended("around", server.start("around"))


@pytest.mark.parametrize(("path", "key"), _PAGES.items())
@pytest.mark.usefixtures("around")
def test_every_stop_is_seen_and_none_is_the_last(path: str, key: str, tab: Tab) -> None:
    page = tab.open(f"/ui/{path}")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text(key)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    skip = page.get_by_role("link", name=_SKIP)
    _tab_to(page, skip)
    page.keyboard.press("Tab")
    assert _tab_to(page, skip) > 5
    page.keyboard.press("Shift+Tab")
    _tab_to(page, skip, "Shift+Tab")
    # Past what is around the page.
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.usefixtures("around")
def test_menus_and_dialogs_give_the_focus_back(tab: Tab) -> None:
    page = tab.open("/ui/n/default/p/around")
    keys = page.keyboard
    start = page.get_by_role("button", name="Start a run…")
    _tab_to(page, start)
    for opens, dialog in (("Enter", "Start around"), ("r", "Start around"), ("?", "Keys"), ("Control+k", "Find")):
        keys.press(opens)
        expect(page.get_by_role("dialog", name=dialog)).to_be_visible()
        _check_seen(page)
        # Not out of the dialog.
        for _ in range(8):
            keys.press("Tab")
            assert page.evaluate(
                "document.activeElement.closest('main, header') === null || "
                "document.activeElement.closest('dialog') !== null"
            )
        keys.press("Escape")
        expect(start).to_be_focused()
    more = page.get_by_role("button", name="More")
    _tab_to(page, more)
    keys.press("ArrowDown")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    keys.press("Escape")
    expect(more).to_be_focused()
    keys.press("Enter")
    keys.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete…")).to_be_focused()
    _check_seen(page)
    keys.press("Enter")
    expect(page.get_by_role("dialog", name="Delete around?").get_by_role("textbox")).to_be_focused()
    keys.press("Escape")
    expect(more).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    keys.press("Tab")
    expect(page.get_by_role("menu")).to_be_hidden()
    _check_seen(page)


def test_space_presses_a_button_where_it_is_a_key_too(tab: Tab) -> None:
    page = tab.open("/ui/events")
    pause = page.get_by_role("button", name=re.compile("^Pause"))
    page.keyboard.press("Space")
    expect(pause).to_be_hidden()
    page.keyboard.press("Space")
    expect(pause).to_be_visible()
    find = page.get_by_role("button", name="Find")
    _tab_to(page, find)
    page.keyboard.press("Space")
    expect(page.get_by_role("combobox", name="Find")).to_be_focused()
    page.keyboard.press("Escape")
    expect(find).to_be_focused()
    expect(pause).to_be_visible()


def _tab_to(page: Page, place: Locator, key: str = "Tab") -> int:
    """Presses the key until that has the focus, which is seen all the way; returns how often."""
    expect(place).to_have_count(1)
    for pressed in range(1, _MOST):
        page.keyboard.press(key)
        _check_seen(page)
        if place.evaluate("element => element === document.activeElement"):
            return pressed
    raise AssertionError(f"{key} does not lead to {place}")


def _check_seen(page: Page) -> None:
    focus = page.evaluate(_FOCUS)
    assert focus["isSeen"], f"the focus is not seen: {focus['name']}"
