"""A log where things go wrong: the server dies, a task floods, a line is a megabyte long."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.logs import Feed, LogPage, address, open_log, running
from tests.browser.tab import AWAY, Tab
from tests.support.server import Api, ServerProcess
from tests.support.until import until

_NUMBERS = "[...document.querySelectorAll('[data-index] .text')].map((text) => text.textContent)"


def test_the_server_is_killed_and_no_line_is_missing(own_server: ServerProcess, open_tab: OpenTab, feed: Feed) -> None:
    api = own_server.start()
    api.register(pipeline("killed", task("say", feed.print)))
    running(api, "killed")
    feed.lines(1, 20)
    tab = open_tab(api.address)
    log = open_log(tab, "killed")
    log.sees(20, "line 20")
    tab.expect_complaint(AWAY)
    own_server.kill()
    lost = tab.page.get_by_text("reconnecting…", exact=True)
    expect(lost).to_be_visible()
    # The task does not end with the server, and prints on.
    feed.lines(21, 30)
    own_server.start()
    expect(lost).to_be_hidden()
    log.sees(30, "line 30")
    log.follows()
    feed.lines(31, 35)
    log.sees(35, "line 35")
    feed.close()
    expect(tab.page).to_have_title("✓ say · killed #1 · Gofer")
    log.has(35)
    assert tab.page.evaluate(_NUMBERS) == [f"line {number}" for number in range(1, 36)]


def test_a_flood_is_followed_and_cancelled_from_the_console(tab: Tab, server: Api, gate: Gate) -> None:
    # A million lines a second, about; not for ever, should nothing end it.
    flood = f"for i in $(seq 1000); do seq 50000; sleep 0.02; {gate.is_open} && break; done"
    server.register(pipeline("flood", task("say", flood)))
    running(server, "flood")
    log = open_log(tab, "flood")
    log.follows()
    expect(tab.page.get_by_text(re.compile(r"^\d,\d{3},\d{3} lines$"))).to_be_visible()
    log.follows()
    # The page answers: tools, and the way to the run.
    stderr = tab.page.get_by_role("button", name="stderr")
    stderr.click()
    expect(stderr).to_have_attribute("aria-pressed", "true")
    tab.page.keyboard.press("e")
    expect(stderr).to_have_attribute("aria-pressed", "false")
    tab.page.get_by_role("navigation", name="Where you are").get_by_role("link", name="#1").click()
    tab.page.get_by_role("button", name="Cancel…").click()
    tab.page.get_by_role("button", name="Cancel the run").click()
    expect(tab.page).to_have_title("⊘ flood #1 · Gofer")
    tab.page.go_back()
    expect(tab.page).to_have_title("⊘ say · flood #1 · Gofer")
    expect(log.following).to_be_hidden()
    total = server.get("namespaces/default/pipelines/flood/runs/1/tasks/say/log", limit=1)["total"]
    log.has(total)
    log.sees(total)


def test_bursts_of_five_thousand_lines(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("bursts", task("say", feed.print)))
    running(server, "bursts")
    feed.lines(1, 1)
    log = open_log(tab, "bursts")
    log.sees(1)
    for burst in range(8):
        feed.lines(burst * 5000 + 2, burst * 5000 + 5001)
        log.sees(burst * 5000 + 5001, f"line {burst * 5000 + 5001}")
    for line in (1, 5001, 20_000):
        tab.page.goto(tab.address + address("bursts") + f"#L{line}")
        log.sees(line, f"line {line}")


def test_lines_of_a_megabyte(tab: Tab, server: Api) -> None:
    server.register(
        pipeline(
            "long-lines",
            task("say", "for c in a b c; do head -c 1000000 /dev/zero | tr '\\0' $c; echo; done; echo end"),
        )
    )
    server.ended("long-lines", server.start("long-lines"))
    log = open_log(tab, "long-lines")
    log.sees(4, "end")
    log.sees(3, "ccc")
    more = log.line(3).get_by_role("button", name="characters more")
    before = len(log.text(3).inner_text())
    assert before < 10_000
    more.click()
    expect(more).to_contain_text("only in the raw log")
    assert len(log.text(3).inner_text()) > 100_000
    tab.page.keyboard.press("W")
    log.sees(1, "aaa")
    log.sees(4)


def test_bytes_that_are_no_text(tab: Tab, server: Api) -> None:
    script = r"printf 'nul \000 here\n\377\376 not UTF-8\n\033]0;title\007\033[2J\033[Hcleared\nbell\007 \a end\n\n'"
    server.register(pipeline("bytes", task("say", script)))
    server.ended("bytes", server.start("bytes"))
    log = open_log(tab, "bytes")
    expect(log.text(1)).to_have_text("nul  here")
    expect(log.text(2)).to_have_text("\ufffd\ufffd not UTF-8")
    expect(log.text(3)).to_have_text("cleared")
    expect(log.text(4)).to_have_text("bell  end")
    log.has(5)
    expect(tab.page).to_have_title("✓ say · bytes #1 · Gofer")


def test_not_begun_skipped_and_empty(tab: Tab, server: Api, gate: Gate, feed: Feed) -> None:
    server.register(
        pipeline("no-log", task("open", gate.wait), task("late", feed.print, "open"), task("quiet", "true"))
    )
    running(server, "no-log", "open")
    log = open_log(tab, "no-log", "quiet")
    expect(tab.page.get_by_text("It has printed nothing.")).to_be_visible()
    log = open_log(tab, "no-log", "open")
    expect(tab.page.get_by_text("It has printed nothing so far.")).to_be_visible()
    log = open_log(tab, "no-log", "late")
    expect(tab.page.get_by_text("It waits for the tasks before it.")).to_be_visible()
    tab.picture("log-waiting")
    tab.check_accessible()
    gate.open()
    feed.lines(1, 3)
    log.sees(3, "line 3")


def test_a_task_and_an_attempt_that_there_are_not(tab: Tab, server: Api) -> None:
    server.register(pipeline("absent", task("say", "echo hello"), task("never", "true", "bad"), task("bad", "exit 1")))
    server.ended("absent", server.start("absent"))
    tab.expect_complaint("status of 404")
    page = tab.open(address("absent", "no-such-task"))
    expect(page.get_by_role("alert")).to_contain_text("no-such-task")
    page = tab.open(address("absent", "never"))
    expect(page.get_by_text("This task was skipped: it has no log.")).to_be_visible()
    page = tab.open(address("absent") + "?attempt=7")
    expect(page.get_by_role("alert")).to_contain_text("7")
    page.get_by_role("link", name="Attempt 1").click()
    LogPage(page).sees(1, "hello")


@pytest.fixture
def short(own_server: ServerProcess) -> Api:
    """A server that keeps the log of one run of each pipeline."""
    return own_server.start(GOFER_TASK_RUN_LOG_EXPIRY="1")


def test_an_expired_log(short: Api, open_tab: OpenTab) -> None:
    short.register(pipeline("expired", task("say", "echo hello")))
    for _ in range(3):
        short.ended("expired", short.start("expired"))
    log = "namespaces/default/pipelines/expired/runs/1/tasks/say/log"
    until(lambda: short.call("GET", log)[0] == 410, "the first run's log is gone")
    tab = open_tab(short.address)
    tab.expect_complaint("status of 410")
    page = tab.open(address("expired"))
    expect(page.get_by_role("alert")).to_contain_text("expired")
    tab.check_accessible()
    LogPage(tab.open(address("expired", run=3))).sees(1, "hello")
