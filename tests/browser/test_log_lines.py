"""Links to lines and ranges, and any line of a big log."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import pipeline, task
from tests.browser.logs import Feed, LogPage, address, open_log, running
from tests.browser.tab import Tab
from tests.support.server import Api

_BIG = 200_000
_LONGEST = "x" * 60


_IS_AT = """([line, most]) => {
    const box = document.querySelector('[aria-label="Lines of the log"]').getBoundingClientRect()
    const row = document.elementFromPoint(box.left + 20, box.top + box.height / 2).closest('[data-index]')
    return Math.abs(Number(row?.dataset.index ?? NaN) - line) < most
}"""
"""Whether what stands in the middle of the window is about that line."""


@pytest.fixture(scope="module")
def big(server: Api) -> Api:
    """A log of 200,000 lines and 14 MB."""
    script = f'awk \'BEGIN {{ for (i = 1; i <= {_BIG}; i++) print "line", i, "{_LONGEST}" }}\''
    server.register(pipeline("big-log", task("say", script)))
    assert server.ended("big-log", server.start("big-log"))["status"] == "successful"
    return server


def _chosen(page: Page) -> list[int]:
    """The lines that are marked, of those that are drawn."""
    return [int(text) for text in page.locator(".chosen .number").all_inner_texts()]


def test_a_range_is_chosen_and_its_address_shows_it_in_a_new_tab(tab: Tab, big: Api) -> None:
    log = open_log(tab, "big-log", more="#L120000")
    log.sees(120_000, "line 120000 x")
    expect(log.chosen).to_contain_text("Line 120000")
    log.number(120_003).click()
    expect(log.chosen).to_contain_text("Line 120003")
    log.number(119_998).click(modifiers=["Shift"])
    expect(log.chosen).to_contain_text("Lines 119998 to 120003")
    log.number(120_005).click(modifiers=["Shift"])
    expect(log.chosen).to_contain_text("Lines 120003 to 120005")
    other = LogPage(tab.context.new_page())
    other.page.goto(tab.page.url)
    other.sees(120_003)
    other.sees(120_005)
    assert _chosen(other.page) == [120_003, 120_004, 120_005]
    tab.page.keyboard.press("Escape")
    expect(log.chosen).to_be_hidden()
    assert "#" not in tab.page.url


def test_link_and_text_of_the_chosen_lines_are_copied(tab: Tab, big: Api) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log = open_log(tab, "big-log", more="#L7-L9")
    log.chosen.get_by_role("button", name="Copy text").click()
    expect(tab.page.get_by_text("3 lines are copied.")).to_be_visible()
    expected = "\n".join(f"line {number} {_LONGEST}" for number in (7, 8, 9))
    assert tab.page.evaluate("navigator.clipboard.readText()") == expected
    log.chosen.get_by_role("button", name="Copy link").click()
    expect(tab.page.get_by_text("The link is copied.")).to_be_visible()
    assert tab.page.evaluate("navigator.clipboard.readText()") == tab.page.url


def test_a_big_log_opens_at_its_end_and_any_line_is_reached(tab: Tab, big: Api) -> None:
    log = open_log(tab, "big-log")
    log.sees(_BIG, f"line {_BIG} x")
    log.has(_BIG)
    tab.page.keyboard.press("Home")
    log.sees(1, "line 1 x")
    tab.page.keyboard.press("End")
    log.sees(_BIG)
    for line in (77_777, 3, 199_000):
        tab.page.keyboard.press("l")
        tab.page.get_by_label("Line, or a range").fill(f"{line:,}")
        tab.page.keyboard.press("Enter")
        log.sees(line, f"line {line} x")
    tab.page.keyboard.press("l")
    tab.page.get_by_label("Line, or a range").fill("200001")
    expect(tab.page.get_by_role("button", name="Go", exact=True)).to_be_disabled()
    expect(tab.page.get_by_role("dialog")).to_contain_text("The log has 200,000 lines.")
    tab.page.keyboard.press("Escape")
    drawn = tab.page.locator("[data-index]").count()
    assert drawn < 150, f"{drawn} rows are in the page"


def test_the_scroll_bar_reaches_every_part(tab: Tab, big: Api) -> None:
    log = open_log(tab, "big-log")
    log.sees(_BIG)
    for share in (0.5, 0.1, 0.9):
        log.region.evaluate("(box, share) => { box.scrollTop = share * box.scrollHeight }", share)
        tab.page.wait_for_function(_IS_AT, arg=[share * _BIG, _BIG / 100])


def test_a_line_and_a_range_of_a_log_that_still_grows(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("growing", task("say", feed.print)))
    running(server, "growing")
    feed.lines(1, 1000)
    log = open_log(tab, "growing", more="#L500-L502")
    log.sees(500, "line 500")
    assert _chosen(tab.page) == [500, 501, 502]
    log.follows(False)
    top = log.top(500)
    feed.lines(1001, 3000)
    log.has(3000)
    assert log.top(500) == top
    assert _chosen(tab.page) == [500, 501, 502]


def test_a_line_that_does_not_exist_yet_is_shown_when_it_comes(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("later", task("say", feed.print)))
    running(server, "later")
    feed.lines(1, 10)
    log = open_log(tab, "later", more="#L400-L401")
    expect(log.chosen).to_contain_text("not yet")
    feed.lines(11, 1000)
    log.has(1000)
    log.sees(400, "line 400")
    assert _chosen(tab.page) == [400, 401]


def test_a_line_behind_the_end_of_a_log(open_tab: OpenTab, big: Api) -> None:
    tab = open_tab(big.address)
    log = open_log(tab, "big-log", more="#L200500")
    log.sees(_BIG)
    expect(log.chosen).to_contain_text("the log has 200,000 lines")
    tab.page.goto(tab.address + address("big-log") + "#L0")
    log.sees(_BIG)
    expect(log.chosen).to_be_hidden()
