"""Everything from the keyboard, through the palette."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import pipeline, task
from tests.browser.tab import Tab
from tests.support.server import Api

_BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


def test_a_pipeline_and_a_run_are_found(tab: Tab, server: Api) -> None:
    server.register(pipeline("palette-dump", task("say", "echo hello"), name="All databases"))
    server.ended("palette-dump", server.start("palette-dump"))
    page = tab.open("/ui/events")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find")
    expect(field).to_be_focused()
    field.fill("databases")
    expect(_selected(page)).to_contain_text("palette-dump")
    tab.picture("palette")
    tab.check_accessible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/n/default/p/palette-dump")
    page.keyboard.press("Control+k")
    field.fill("palette-dump 1")
    expect(_selected(page)).to_contain_text("palette-dump #1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/palette-dump/runs/1")


def test_a_command_with_arrows_and_what_is_not_there(tab: Tab) -> None:
    page = tab.open("/ui/events")
    light = page.evaluate(_BACKGROUND)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find")
    field.fill("theme")
    # Of the system, light, dark.
    for theme in ("Light theme", "Dark theme", "Theme of the system"):
        expect(page.get_by_role("option", name=theme)).to_be_visible()
    while "Dark theme" not in _selected(page).inner_text():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_be_hidden()
    assert page.evaluate(_BACKGROUND) != light
    page.reload()
    assert page.evaluate(_BACKGROUND) != light, "the choice is forgotten"
    page.keyboard.press("Control+k")
    field.fill("zzzz")
    expect(page.get_by_text("Nothing here is called so.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()


def _selected(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Found").get_by_role("option", selected=True)
