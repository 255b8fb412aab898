"""What a log looks like: colours, progress, groups, attempts, times; and what the reader sets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import pipeline, task
from tests.browser.logs import address, open_log
from tests.browser.tab import Tab
from tests.support.server import Api

_LOOKS = r"""
printf '\033[31mred\033[0m \033[1;38;5;196mown\033[0m \033[44mground\033[0m plain\n'
for done in 10 50 100; do printf '\rLoading %s %%' $done; done; echo
echo 'see https://example.com/a?b=c, (https://example.com/d) and javascript:alert(1)'
printf '\033]8;;javascript:alert(1)\033\\click\033]8;;\033\\ \033]8;;https://example.com/e\033\\here\033]8;;\033\\\n'
echo '<img src=x onerror=alert(1)> &amp; <b>bold</b>'
echo to stderr >&2
"""
_GROUPS = """
echo ::group::Fetch; seq 30; echo ::group::Inner; echo inside; echo ::endgroup::; sleep 0.2; echo ::endgroup::
echo ::group::Check; echo ::error::no disk; seq 5; echo ::endgroup::
echo '--- Build'; seq 30; echo '+++ Test'; echo open; echo '--- Publish'; echo 'denied'; exit 1
"""


@pytest.fixture(scope="module")
def looks(server: Api) -> Api:
    """One run with logs of each look."""
    retried = "echo this is attempt $GOFER_ATTEMPT; exit 1"
    server.register(
        pipeline(
            "looks",
            task("say", _LOOKS),
            task("groups", _GROUPS, allow_failure=True),
            task("again", retried, allow_failure=True, retries={"count": 2, "backoff": "10ms"}),
            task("wide", f"echo {'wide ' * 400}; echo end"),
        )
    )
    server.ended("looks", server.start("looks"))
    return server


def _colour(of: Locator) -> str:
    return str(of.evaluate("element => getComputedStyle(element).color"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_and_progress_as_in_a_terminal(looks: Api, open_tab: OpenTab, dark: bool) -> None:
    tab = open_tab(looks.address, dark=dark)
    log = open_log(tab, "looks")
    expect(log.text(1)).to_have_text("red own ground plain")
    plain = _colour(log.text(1))
    for word in ("red", "own"):
        assert _colour(log.text(1).get_by_text(word, exact=True)) != plain
    expect(log.text(2)).to_have_text("Loading 100 %")
    tab.picture(f"log-looks-{'dark' if dark else 'light'}")
    tab.check_accessible()


def test_links_are_safe_and_codes_are_text(tab: Tab, looks: Api) -> None:
    log = open_log(tab, "looks")
    links = log.region.get_by_role("link", name=re.compile("example|here|click"))
    expect(links).to_have_count(3)
    for place, href in enumerate(("https://example.com/a?b=c", "https://example.com/d", "https://example.com/e")):
        expect(links.nth(place)).to_have_attribute("href", href)
        expect(links.nth(place)).to_have_attribute("rel", re.compile("noopener noreferrer"))
        expect(links.nth(place)).to_have_attribute("target", "_blank")
    expect(log.text(4)).to_have_text("click here")
    expect(log.text(5)).to_have_text("<img src=x onerror=alert(1)> &amp; <b>bold</b>")


def test_groups_are_folded_and_one_that_failed_is_open(tab: Tab, looks: Api) -> None:
    log = open_log(tab, "looks", "groups")
    fetch = log.group("Fetch")
    expect(fetch).to_have_attribute("aria-expanded", "false")
    expect(log.line(1)).to_contain_text(re.compile(r"2\d\d ms · 34 lines"))
    failed = log.group("Check", ", failed")
    expect(failed).to_have_attribute("aria-expanded", "true")
    expect(log.region.get_by_text("✗ failed")).to_be_visible()
    for name, is_open in (("Build", "false"), ("Test", "true"), ("Publish", "true")):
        group = log.group(name)
        expect(group).to_have_attribute("aria-expanded", is_open)
    expect(log.number(2)).to_have_count(0)
    fetch.focus()
    tab.page.keyboard.press("Enter")
    log.sees(2, "1")
    inner = log.group("Inner")
    expect(inner).to_have_attribute("aria-expanded", "false")
    # A line that is asked for is shown, whatever hides it.
    tab.page.keyboard.press("l")
    tab.page.get_by_label("Line, or a range").fill("33")
    tab.page.keyboard.press("Enter")
    log.sees(33, "inside")
    tab.check_accessible()


def test_attempts_are_tabs(tab: Tab, looks: Api) -> None:
    log = open_log(tab, "looks", "again")
    attempts = tab.page.get_by_role("navigation", name="Attempts")
    expect(attempts.get_by_role("link")).to_have_count(3)
    expect(attempts.get_by_role("link", name="Attempt 3")).to_have_attribute("aria-current", "page")
    attempts.get_by_role("link", name="Attempt 1").click()
    tab.page.wait_for_url("**?attempt=1")
    log.sees(1, "this is attempt 1")
    tab.page.reload()
    log.sees(1, "this is attempt 1")
    expect(attempts.get_by_role("link", name="Attempt 1")).to_have_attribute("aria-current", "page")


def test_times_and_wrapping_are_kept_over_a_reload(tab: Tab, looks: Api) -> None:
    log = open_log(tab, "looks", "wide")
    for form in (
        r"\d\d:\d\d\.\d{3}",
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}",
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z",
    ):
        tab.page.keyboard.press("t")
        expect(log.line(2)).to_contain_text(re.compile(rf"^\s*2\s*{form}\s*end"))
    wrapped = log.line(1).bounding_box()
    tab.page.keyboard.press("W")
    expect(tab.page.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "false")
    single = log.line(1).bounding_box()
    assert wrapped is not None
    assert single is not None
    assert single["height"] < wrapped["height"] / 3
    tab.page.reload()
    expect(log.line(2)).to_contain_text(re.compile(r"Z\s*end"))
    expect(tab.page.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "false")


def test_stderr_alone_raw_and_download(tab: Tab, looks: Api, tmp_path: Path) -> None:
    log = open_log(tab, "looks")
    log.sees(1)
    tab.page.keyboard.press("e")
    tab.page.wait_for_url("**?stream=stderr")
    log.sees(6, "to stderr")
    expect(log.region.get_by_role("link", name=re.compile(r"^\d+$"))).to_have_count(1)
    tab.page.keyboard.press("e")
    log.sees(1)
    with tab.page.expect_download() as download:
        log.choose("Download")
    download.value.save_as(tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == looks.log("looks", 1, "say")
    log.choose("Raw")
    tab.page.wait_for_url("**/log/raw?*")
    expect(tab.page.locator("body")).to_contain_text("to stderr")


def test_full_screen_and_the_list_of_keys(tab: Tab, looks: Api) -> None:
    log = open_log(tab, "looks")
    log.sees(1)
    tab.page.keyboard.press("z")
    tab.page.wait_for_function("document.fullscreenElement !== null")
    tab.page.keyboard.press("z")
    tab.page.wait_for_function("document.fullscreenElement === null")
    tab.page.keyboard.press("?")
    keys = tab.page.get_by_role("dialog", name="Keys")
    for does in ("Follow the log", "Only stderr, or all", "To the next match", "To the match before", "Full screen"):
        expect(keys).to_contain_text(does)
    tab.picture("log-keys")


def test_every_tool_is_reached_on_a_phone(looks: Api, open_tab: OpenTab) -> None:
    tab = open_tab(looks.address, 400)
    log = open_log(tab, "looks")
    log.sees(1)
    log.choose("Local times")
    expect(log.line(6)).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d"))
    log.choose("Only stderr")
    log.sees(6, "to stderr")
    expect(log.number(1)).to_have_count(0)
    log.choose("Go to a line…")
    tab.page.keyboard.press("Escape")
    tab.page.get_by_role("button", name="More").click()
    for name in ("Wrap long lines", "Full screen", "Raw", "Download", "Download with times"):
        expect(tab.page.get_by_text(name, exact=True).last).to_be_visible()
    tab.picture("log-phone-menu")
    tab.check_accessible()
    tab.page.keyboard.press("Escape")
    tab.page.goto(tab.address + address("looks", "groups"))
    expect(log.group("Fetch")).to_be_visible()
    tab.check_accessible()
