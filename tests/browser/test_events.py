"""The stream of events: filtered, paused, gone back in, and gone on with after the server was away."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import AWAY, Tab
from tests.support.server import Api, ServerProcess

_RUN_ENDED = re.compile(r"(?<!task)run\.ended")


def test_what_happens_is_shown_and_leads_to_what_it_speaks_of(tab: Tab, server: Api) -> None:
    page = tab.open("/ui/events?pipeline=events-live")
    expect(page.get_by_text("No event matches.")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("live")
    server.register(pipeline("events-live", task("say", "echo hello")))
    server.ended("events-live", server.start("events-live"))
    row = _rows(page).filter(has_text="taskrun.ended")
    expect(row).to_contain_text("exit code 0")
    expect(_rows(page).filter(has_text="version.registered")).not_to_contain_text("previous")
    expect(_rows(page).filter(has_text="deployment.completed")).not_to_contain_text("from version")
    tab.check_accessible()
    row.get_by_role("link", name="say").click()
    page.wait_for_url("**/p/events-live/runs/1/t/say?attempt=1")
    page.go_back()
    _rows(page).filter(has_text=_RUN_ENDED).get_by_role("link", name="#1").click()
    page.wait_for_url("**/p/events-live/runs/1")


def test_filters_are_kept_in_the_address(tab: Tab, server: Api) -> None:
    for name in ("events-one", "events-two"):
        server.register(pipeline(name, task("say", "echo hello")))
        server.ended(name, server.start(name))
    page = tab.open("/ui/events")
    page.get_by_role("combobox", name="Kind").select_option("run")
    page.get_by_role("textbox", name="Namespace").fill("default")
    page.get_by_role("textbox", name="Pipeline").fill("events-two")
    page.get_by_role("textbox", name="Pipeline").press("Enter")
    page.wait_for_url(re.compile(r"kind=run\.\*&namespace=default&pipeline=events-two"))
    for _ in range(2):
        expect(_rows(page)).to_have_count(3)
        expect(_rows(page).filter(has_text="events-two")).to_have_count(3)
        page.reload()
    expect(page.get_by_role("textbox", name="Namespace")).to_have_value("default")
    tab.open("/ui/events?by=local")
    expect(_rows(page).filter(has_text="audit.write").first).to_be_visible()
    expect(_rows(page).filter(has_text="run.ended")).to_have_count(0)
    tab.expect_complaint("status of 422")
    tab.open("/ui/events?kind=no.such")
    expect(page.get_by_role("alert")).to_contain_text("There is no event kind")


def test_paused_by_key_and_gone_on_without_loss(tab: Tab, server: Api) -> None:
    server.register(pipeline("events-paused", task("say", "echo hello")))
    page = tab.open("/ui/events?pipeline=events-paused")
    status = page.get_by_role("main").get_by_role("status")
    expect(status).to_have_text("live")
    before = _numbers(page)
    page.keyboard.press("Space")
    expect(status).to_contain_text("paused")
    for _ in range(5):
        server.ended("events-paused", server.start("events-paused"))
    assert _numbers(page) == before
    page.get_by_role("button", name="Resume").click()
    kept = _kept(server, "events-paused")
    expect(_rows(page)).to_have_count(len(kept))
    assert _numbers(page) == kept


def test_back_to_a_number_and_to_a_time(tab: Tab, server: Api) -> None:
    server.register(pipeline("events-many", *(task(f"t{i:02d}", "true") for i in range(40))))
    for _ in range(2):
        server.ended("events-many", server.start("events-many"))
    every = _kept(server, "events-many")
    page = tab.open("/ui/events?pipeline=events-many")
    expect(_rows(page)).to_have_count(100)
    while (older := page.get_by_role("button", name="Older events")).is_visible():
        shown = _rows(page).count()
        older.click()
        expect(_rows(page).nth(shown)).to_be_attached()
    assert _numbers(page) == every
    wanted = every[-30]
    page.get_by_role("textbox", name="From").fill(f"#{wanted}")
    page.get_by_role("textbox", name="From").press("Enter")
    asked = page.locator("li[aria-current]")
    expect(asked).to_be_in_viewport()
    expect(asked.get_by_role("link").first).to_have_text(str(wanted))
    # What led to it is there, and what came of it.
    assert set(_numbers(page)) >= set(every[-40:-20])
    while (newer := page.get_by_role("button", name="Newer events")).is_visible():
        newest = _numbers(page)[0]
        newer.click()
        expect(_rows(page).first).not_to_contain_text(str(newest))
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("live")
    assert _numbers(page)[0] == every[0]
    page.reload()
    expect(asked.get_by_role("link").first).to_have_text(str(wanted))
    _to_a_time(page, server, every)


def _to_a_time(page: Page, server: Api, every: list[int]) -> None:
    field = page.get_by_role("textbox", name="From")
    field.fill("yesterdayish")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Neither a number nor a time")
    started = next(
        event for event in server.events(namespace="default", pipeline="events-many") if event["kind"] == "run.started"
    )
    field.fill(page.evaluate("at => new Date(at).toISOString()", started["at"]))
    field.press("Enter")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("li[aria-current] time")).to_be_in_viewport()
    at = page.locator("li[aria-current] time").get_attribute("datetime")
    assert at == page.evaluate("at => new Date(at).toISOString()", started["at"])


def test_the_server_is_killed_and_nothing_is_missing(own_server: ServerProcess, open_tab: OpenTab, gate: Gate) -> None:
    api = own_server.start()
    api.register(pipeline("away", task("say", gate.wait)))
    tab = open_tab(api.address)
    page = tab.open("/ui/events")
    status = page.get_by_role("main").get_by_role("status")
    expect(status).to_have_text("live")
    api.start("away")
    api.until("taskrun.running", "away", 1, "say")
    tab.expect_complaint(AWAY)
    own_server.kill()
    expect(status).to_have_text("reconnecting…")
    api = own_server.start()
    gate.open()
    api.ended("away", 1)
    expect(_rows(page).filter(has_text=_RUN_ENDED)).to_be_visible()
    expect(_rows(page).filter(has_text="server.started")).to_have_count(2)
    every = [event["seq"] for event in api.get("events", newest_first="true", limit=200)["items"]]
    expect(_rows(page)).to_have_count(len(every))
    assert _numbers(page) == every


def _rows(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("listitem")


def _numbers(page: Page) -> list[int]:
    return [int(text) for text in page.locator("li .seq").all_text_contents()]


def _kept(server: Api, name: str) -> list[int]:
    """The numbers of all that the server has of a pipeline, newest first."""
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={quote(cursor)}" if cursor else ""
        page = server.get(f"events?pipeline={name}&newest_first=true&limit=200{more}")
        found += [event["seq"] for event in page["items"]]
        cursor = page.get("next")
    return found
