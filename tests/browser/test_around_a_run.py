"""What stands around the pages of a run: the tab's title and picture, the way there, and word of its end."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import Tab
from tests.support.server import Api

_ICON = "link#icon"


def test_title_and_picture_follow_the_run(tab: Tab, server: Api, gate: Gate) -> None:
    server.register(pipeline("title", task("wait", gate.wait)))
    run = server.start("title")
    server.until("run.started", "title", run)
    page = tab.open(f"/ui/n/default/p/title/runs/{run}/t/wait")
    expect(page).to_have_title(f"▶ wait · title #{run} · Gofer")
    running = page.locator(_ICON).get_attribute("href")
    gate.open()
    expect(page).to_have_title(f"✓ wait · title #{run} · Gofer")
    expect(page.locator(_ICON)).not_to_have_attribute("href", running or "")
    page.get_by_role("link", name="Events", exact=True).click()
    expect(page).to_have_title("Events · Gofer")
    expect(page.locator(_ICON)).to_have_attribute("href", "/login.svg")


def test_the_end_of_a_watched_run_is_told_wherever_one_is(tab: Tab, server: Api, gate: Gate) -> None:
    server.register(pipeline("watched", task("wait", f"{gate.wait}; exit 3")))
    run = server.start("watched")
    server.until("run.started", "watched", run)
    page = tab.open(f"/ui/n/default/p/watched/runs/{run}")
    expect(page.get_by_role("button", name="Tell me when this run ends")).to_be_visible()
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Tell me when this run ends")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="System", exact=True).click()
    # It is kept over a reload.
    page.reload()
    gate.open()
    told = page.get_by_role("link", name=f"watched #{run} failed")
    told.click()
    page.wait_for_url(f"**/p/watched/runs/{run}")
    expect(page.get_by_role("button", name="Tell me when this run ends")).to_be_hidden()


def test_a_notification_where_the_browser_may_show_one(open_tab: OpenTab, server: Api, gate: Gate) -> None:
    server.register(pipeline("notified", task("wait", gate.wait)))
    run = server.start("notified")
    server.until("run.started", "notified", run)
    tab = open_tab(server.address)
    tab.context.grant_permissions(["notifications"], origin=server.address)
    # What the browser would show is the desktop's: here the page's side of it is heard.
    tab.context.add_init_script(
        "window.shown = []; window.Notification = class { static permission = 'granted';"
        "static requestPermission() { return Promise.resolve('granted') }"
        "constructor(title, options) { shown.push([title, options.body]) } close() {} }"
    )
    page = tab.open(f"/ui/n/default/p/notified/runs/{run}")
    page.get_by_role("button", name="Tell me when this run ends").click()
    gate.open()
    expect(page.get_by_role("link", name=f"notified #{run} successful")).to_be_visible()
    assert page.evaluate("shown") == [[f"✓ notified #{run} successful", "default"]]


def test_the_way_to_where_one_is(tab: Tab, server: Api) -> None:
    server.register(pipeline("trail", task("say", "echo hello")))
    server.ended("trail", server.start("trail"))
    page = tab.open("/ui/n/default/p/trail/runs/1/t/say")
    trail = page.get_by_role("navigation", name="Where you are")
    expect(trail.get_by_role("link", name="say")).to_have_attribute("aria-current", "page")
    trail.get_by_role("link", name="#1").click()
    page.wait_for_url(re.compile(r"/runs/1$"))
    trail.get_by_role("link", name="trail").click()
    page.wait_for_url("**/p/trail")


def test_another_namespace_by_menu_and_by_key(tab: Tab, server: Api) -> None:
    server.post("namespaces", {"id": "team-a"})
    page = tab.open("/ui/n/default")
    button = page.get_by_role("button", name="Namespace")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio", name="default")).to_be_focused()
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/n/team-a")
    # It is where one comes to from now on.
    tab.open("/ui/events")
    page.get_by_role("link", name="Pipelines", exact=True).click()
    page.wait_for_url("**/ui/n/team-a")
