"""The server goes away and comes back; who is not signed in signs in, and comes back too."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import AWAY
from tests.integration.api.server import ServerThread
from tests.support.server import ServerProcess


def test_the_server_is_killed_and_comes_back(own_server: ServerProcess, open_tab: OpenTab, gate: Gate) -> None:
    api = own_server.start()
    api.register(pipeline("away", task("wait", gate.wait)))
    api.start("away")
    api.until("taskrun.running", "away", 1, "wait")
    tab = open_tab(api.address)
    page = tab.open("/ui/n/default/p/away/runs/1")
    expect(page).to_have_title("▶ away #1 · Gofer")
    tab.expect_complaint(AWAY)
    own_server.kill()
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    tab.picture("reconnecting")
    own_server.start()
    expect(page.get_by_text("Reconnecting…")).to_be_hidden()
    # What happens now is heard, without anything loaded anew by hand.
    gate.open()
    expect(page).to_have_title("✓ away #1 · Gofer")


@pytest.mark.parametrize(("back", "heading"), [(1, "failed lost #1"), (2, "lost"), (3, "Pipelines")])
def test_a_page_that_was_asked_for_meanwhile_comes_by_itself(
    back: int, heading: str, own_server: ServerProcess, open_tab: OpenTab
) -> None:
    api = own_server.start()
    api.register(pipeline("lost", task("say", "exit 1")))
    api.ended("lost", api.start("lost"))
    tab = open_tab(api.address)
    page = tab.open("/ui/n/default")
    page.get_by_role("link", name="lost", exact=True).click()
    page.get_by_role("table", name="Tasks by runs").get_by_role("link", name=re.compile("^Run 1")).click()
    page.get_by_role("region", name="What failed").get_by_role("link", name="Log").click()
    expect(page.get_by_role("region", name="Lines of the log")).to_be_visible()
    tab.expect_complaint(AWAY)
    own_server.kill()
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    for _ in range(back):
        page.go_back()
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("The server does not answer.")
    expect(trouble).to_contain_text("This page tries again by itself.")
    own_server.start()
    expect(page.locator("main").get_by_role("heading", name=heading)).to_be_visible()
    expect(trouble).to_be_hidden()


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    server = ServerThread(tmp_path_factory.mktemp("production"), production=True, failed_auth_limit=0)
    server.start()
    yield server
    server.stop()


def test_who_is_not_signed_in_comes_back_to_the_view(production: ServerThread, open_tab: OpenTab) -> None:
    token = production.bootstrap()
    tab = open_tab(production.services.address)
    tab.expect_complaint(r"status of 401|HTTP Authentication failed")
    page = tab.page
    page.goto(f"{tab.address}/ui/events?kind=run.ended")
    page.wait_for_url("**/login?next=*")
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/ui/events?kind=run.ended")
    page.get_by_role("button", name="Account and theme").click()
    expect(page.get_by_text("may do everything")).to_be_visible()
    page.get_by_role("menuitem", name="Account and sign out").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_label("Token", exact=True)).to_be_visible()
