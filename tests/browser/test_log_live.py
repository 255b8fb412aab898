"""A log that grows: followed, or left in peace."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.jobs import pipeline, task
from tests.browser.logs import Feed, open_log, running
from tests.browser.tab import Tab
from tests.support.server import Api

_SELECTED = "String(getSelection()).trim()"


def test_new_lines_are_followed_until_the_reader_scrolls_up(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("follow", task("say", feed.print)))
    running(server, "follow")
    feed.lines(1, 300)
    log = open_log(tab, "follow")
    log.sees(300, "line 300")
    log.follows()
    feed.lines(301, 400)
    log.sees(400, "line 400")
    log.region.hover()
    tab.page.mouse.wheel(0, -400)
    log.follows(False)
    log.sees(375)
    top = log.top(375)
    feed.lines(401, 900)
    log.has(900)
    assert log.top(375) == top, "what is read was moved"
    expect(log.following).to_contain_text("500 new")
    tab.page.keyboard.press("f")
    log.sees(900, "line 900")
    log.follows()
    feed.lines(901, 950)
    log.sees(950)
    feed.close()
    expect(tab.page).to_have_title("✓ say · follow #1 · Gofer")
    log.has(950)


def test_keys_leave_the_end_and_come_back(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("keys", task("say", feed.print)))
    running(server, "keys")
    feed.lines(1, 2000)
    log = open_log(tab, "keys")
    log.sees(2000)
    for leaves, comes_back in (("PageUp", "End"), ("u", "f"), ("k", "G"), ("ArrowUp", "End")):
        tab.page.keyboard.press(leaves)
        log.follows(False)
        tab.page.keyboard.press(comes_back)
        log.follows()
        log.sees(2000)
    for key in ("Home", "g g"):
        for one in key.split():
            tab.page.keyboard.press(one)
        log.sees(1, "line 1")
        tab.page.keyboard.press("PageDown")
        expect(log.line(1)).not_to_be_in_viewport()
        tab.page.keyboard.press("f")
        log.sees(2000)


def test_a_selection_outlives_new_lines(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("selection", task("say", feed.print)))
    running(server, "selection")
    feed.lines(1, 200)
    log = open_log(tab, "selection")
    log.sees(200)
    log.text(190).click(click_count=3)
    log.follows(False)
    top = log.top(190)
    feed.lines(201, 5000)
    log.has(5000)
    assert log.top(190) == top
    assert tab.page.evaluate(_SELECTED) == "line 190"
    tab.page.keyboard.press("f")
    log.sees(5000)
    assert tab.page.evaluate(_SELECTED) == "line 190", "it is lost with the row out of view"


def test_what_is_selected_over_many_screens_is_copied_whole(tab: Tab, server: Api) -> None:
    server.register(pipeline("copied", task("say", "seq 3000")))
    server.ended("copied", server.start("copied"))
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log = open_log(tab, "copied", more="#L5")
    log.sees(5)
    log.text(5).click(click_count=3)
    tab.page.keyboard.press("G")
    log.sees(3000)
    # Shift-click extends the selection to there.
    log.text(2990).click(modifiers=["Shift"], position={"x": 60, "y": 8})
    tab.page.keyboard.press("Control+c")
    expected = "\n".join(map(str, range(5, 2991)))
    tab.page.wait_for_function(
        "text => navigator.clipboard.readText().then((found) => found.trim() === text)", arg=expected
    )


def test_a_prompt_and_progress_are_shown_as_they_come(tab: Tab, server: Api, feed: Feed) -> None:
    server.register(pipeline("prompt", task("say", feed.print)))
    running(server, "prompt")
    feed.write("Continue? ")
    log = open_log(tab, "prompt")
    log.sees(1, "Continue?")
    feed.write("yes\n")
    expect(log.line(1)).to_contain_text("Continue? yes")
    for done in range(0, 101, 5):
        feed.write(f"\rLoading {done:3} %")
    expect(log.text(2)).to_have_text("Loading 100 %")
    feed.write("\rLoaded       \nready\n")
    log.sees(3, "ready")
    expect(log.text(2)).to_have_text("Loaded")
