"""Search in a log, and in all logs of a run: the server searches, and goes on while the logs grow."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.jobs import Gate, pipeline, task
from tests.browser.logs import Feed, LogPage, address, open_log, running
from tests.browser.tab import Tab
from tests.support.server import Api

_SCRIPT = (
    "awk 'BEGIN { for (i = 1; i <= 20000; i++) {"
    ' if (i % 5000 == 0) printf "\\033[31mError\\033[0m: table %d is (not) there\\n", i;'
    ' else if (i == 7777) print "an error of another kind";'
    ' else print "restored", i } }\''
)
_MATCHES = [5000, 7777, 10_000, 15_000, 20_000]


@pytest.fixture(scope="module")
def searched(server: Api) -> Api:
    """20,000 lines; those of _MATCHES have an error."""
    server.register(pipeline("searched", task("say", _SCRIPT), task("quiet", "echo all is well")))
    server.ended("searched", server.start("searched"))
    return server


def _search(log: LogPage, text: str) -> None:
    expect(log.field).to_be_visible()
    log.page.keyboard.press("/")
    expect(log.field).to_be_focused()
    log.page.keyboard.type(text)


def test_count_next_and_previous(tab: Tab, searched: Api) -> None:
    log = open_log(tab, "searched")
    log.sees(20_000)
    _search(log, "error")
    expect(log.count).to_have_text("5")
    # From the line in view on, and round the end.
    tab.page.keyboard.press("Enter")
    log.sees(20_000)
    for at, line in enumerate(_MATCHES, 1):
        tab.page.keyboard.press("Enter")
        log.sees(line, "rror")
        expect(log.count).to_have_text(f"{at} of 5")
        expect(log.line(line).locator(".found")).to_have_text("Error" if line % 5000 == 0 else "error")
    tab.page.keyboard.press("Shift+Enter")
    log.sees(15_000)
    # And by key, once one has left the field.
    log.region.focus()
    tab.page.keyboard.press("Shift+N")
    log.sees(10_000)
    tab.page.keyboard.press("n")
    log.sees(15_000)
    tab.page.get_by_role("button", name="The match before").click()
    log.sees(10_000)
    tab.page.get_by_role("button", name="The next match").click()
    log.sees(15_000)
    expect(log.count).to_have_text("4 of 5")


def test_case_expressions_and_a_wrong_one(tab: Tab, searched: Api) -> None:
    tab.expect_complaint("status of 422|status of 400")
    log = open_log(tab, "searched")
    _search(log, "error")
    expect(log.count).to_have_text("5")
    tab.page.get_by_role("button", name="Match case").click()
    expect(log.count).to_have_text("1")
    log.field.fill("(not)")
    expect(log.count).to_have_text("4")
    tab.page.get_by_role("button", name="Regular expression").click()
    log.field.fill(r"^Error: table \d*0000 ")
    expect(log.count).to_have_text("2")
    log.field.fill("table (")
    wrong = tab.page.get_by_role("alert")
    expect(wrong).to_contain_text("The pattern cannot be used: missing )")
    expect(log.field).to_have_attribute("aria-invalid", "true")
    tab.picture("search-wrong")
    tab.check_accessible()
    log.field.fill(r"table \d")
    expect(wrong).to_be_hidden()
    expect(log.count).to_have_text("4")
    log.field.fill("no such thing")
    expect(log.count).to_have_text("none")
    tab.page.keyboard.press("Escape")
    expect(log.field).to_have_value("")
    expect(log.count).to_be_hidden()


def test_a_search_is_in_the_address(tab: Tab, searched: Api) -> None:
    log = open_log(tab, "searched", more="?search=Error%3A&case=1#L5000")
    expect(log.field).to_have_value("Error:")
    expect(log.count).to_have_text("4")
    log.sees(5000)
    tab.page.keyboard.press("n")
    log.sees(10_000)


def test_the_count_grows_with_the_log(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("search-live", task("say", feed.print)))
    running(server, "search-live")
    feed.lines(1, 99, "needle")
    log = open_log(tab, "search-live", more="?search=needle")
    expect(log.count).to_have_text("99")
    feed.write("hay\nneedle\n")
    expect(log.count).to_have_text("100")
    log.follows()
    expect(log.line(101).locator(".found")).to_have_text("needle")
    feed.write("needle\n" * 10_000)
    expect(log.count).to_have_text("10,100")
    feed.close()
    expect(tab.page).to_have_title("✓ say · search-live #1 · Gofer")
    expect(log.count).to_have_text("10,100")


def test_all_tasks_of_a_run_each_leading_to_its_line(tab: Tab, server: Api, gate: Gate) -> None:
    server.register(
        pipeline(
            "search-run",
            task("load", "seq 500; echo disk is full; seq 500", allow_failure=True),
            task("check", "echo the disk is fine"),
            task("late", f"{gate.wait}; echo disk again", "load"),
        )
    )
    running(server, "search-run", "late")
    log = open_log(tab, "search-run", "check")
    _search(log, "disk")
    expect(log.count).to_have_text("1")
    tab.page.get_by_role("button", name="All tasks").click()
    found = tab.page.get_by_role("region", name="Matches in all tasks of this run")
    expect(found.get_by_role("status")).to_contain_text("2 lines match in 2 of")
    gate.open()
    expect(found.get_by_role("status")).to_contain_text("3 lines match in 3 of 3 logs")
    tab.picture("search-run")
    tab.check_accessible()
    found.get_by_role("link", name="disk is full").click()
    tab.page.wait_for_url(f"**{address('search-run', 'load')}?*#L501")
    log.sees(501, "disk is full")
    # It goes on there.
    expect(found.get_by_role("link", name="disk again")).to_be_visible()
    found.get_by_role("link", name="disk again").click()
    log.sees(1, "disk again")
