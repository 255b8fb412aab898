"""Tokens and roles; and what the console is to somebody who may do little."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import Tab
from tests.integration.api.server import ServerThread


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    home = tmp_path_factory.mktemp("production")
    server = ServerThread(home, engine="process", production=True, failed_auth_limit=0)
    server.start()
    yield server
    server.stop()


def test_a_token_is_made_shown_once_disabled_and_deleted(production: ServerThread, open_tab: OpenTab) -> None:
    page = (tab := _signed_in(open_tab, production, production.bootstrap())).page
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=tab.address)
    tab.open("/ui/system/access")
    expect(page.get_by_role("region", name="Who you are")).to_contain_text("it may do everything")
    page.get_by_role("button", name="New token…").click()
    dialog = page.get_by_role("dialog", name="New token")
    dialog.get_by_label("What it is for").fill("nightly checks")
    dialog.get_by_role("textbox", name="Namespaces").fill("team-*")
    tab.check_accessible()
    dialog.get_by_role("checkbox", name="viewer").check()
    dialog.get_by_role("button", name="Make the token").click()
    shown = page.get_by_role("dialog", name="The token's text")
    secret = shown.get_by_role("textbox").input_value()
    tab.check_accessible()
    shown.get_by_role("button", name="Copy").click()
    expect(shown.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    shown.get_by_role("button", name="Done").click()
    assert secret not in page.content()
    assert production.api_of(secret).get("whoami")["namespaces"] == ["team-*"]
    row = page.get_by_role("row").filter(has_text="nightly checks")
    for action, does, state in (("Disable…", "Disable it", "disabled"), ("Enable", "", "active")):
        row.get_by_role("button", name="Actions of").click()
        page.get_by_role("menuitem", name=action).click()
        if does:
            page.get_by_role("dialog").get_by_role("button", name=does).click()
        expect(row).to_contain_text(state)
    row.get_by_role("button", name="Actions of").click()
    page.get_by_role("menuitem", name="Delete…").click()
    question = page.get_by_role("dialog", name="Delete the token?")
    expect(question).to_contain_text("nightly checks")
    tab.check_accessible()
    question.get_by_role("button", name="Delete it").click()
    expect(row).to_have_count(0)


def test_roles_say_what_they_allow(production: ServerThread, open_tab: OpenTab) -> None:
    tab = _signed_in(open_tab, production, production.bootstrap(), dark=True)
    page = tab.open("/ui/system/access")
    page.get_by_role("region", name="Roles").locator("summary", has_text=re.compile("^ *viewer")).click()
    expect(page.locator("details[open]")).to_contain_text(re.compile(r"read: .*runs"))
    tab.check_accessible()


def test_a_viewer_of_one_namespace(production: ServerThread, open_tab: OpenTab, gate: Gate) -> None:
    _team(production, gate)
    tab = _signed_in(open_tab, production, production.token(["viewer"], ["team"]))
    page = tab.open("/ui/n/team/p/nightly/runs/1")
    expect(page.get_by_role("button", name="Start again…")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel…")).to_have_count(0)
    tab.open("/ui/n/team/p/nightly/runs/1/t/wait")
    expect(page.get_by_text("Running").or_(page.get_by_text("running")).first).to_be_visible()
    expect(page.get_by_role("link", name="Attach")).to_have_count(0)
    tab.open("/ui/n/team/p/nightly/runs/1/t/wait/attach")
    expect(page.get_by_role("alert")).to_contain_text("You may not attach to containers of team/nightly.")
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    tab.picture("attach-forbidden")
    tab.check_accessible()
    tab.open("/ui/events")
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("live")
    expect(page.get_by_role("listitem").filter(has_text="run.started")).to_contain_text("team")
    expect(page.get_by_role("listitem").filter(has_text="elsewhere")).to_have_count(0)
    tab.open("/ui/system")
    expect(page.get_by_role("alert")).to_contain_text("You may not see this part of the system: Health.")
    sections = page.get_by_role("navigation", name="System").get_by_role("link")
    expect(sections).to_have_text(["Access"])
    tab.picture("system-forbidden")
    sections.click()
    expect(page.get_by_role("region", name="Who you are")).to_contain_text("in the namespace team")
    expect(page.get_by_role("button", name="New token…")).to_have_count(0)
    tab.check_accessible()
    gate.open()


def test_an_operator_of_all_sees_and_may_not_change_triggers(production: ServerThread, open_tab: OpenTab) -> None:
    tab = _signed_in(open_tab, production, production.token(["operator"]))
    page = tab.open("/ui/system")
    expect(page.get_by_role("button", name="Take on no new runs…")).to_be_visible()
    names = ["Health", "Server log", "Triggers", "Common tasks", "Access", "Settings"]
    links = page.get_by_role("navigation", name="System").get_by_role("link")
    expect(links).to_have_text(names)
    for name in names:
        links.filter(has_text=name).click()
        expect(links.filter(has_text=name)).to_have_attribute("aria-current", "page")
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("alert")).to_have_count(0)


def _team(server: ServerThread, gate: Gate) -> None:
    """A namespace of a team in which a run is under way, and another."""
    for name in ("team", "elsewhere"):
        server.api.post("namespaces", {"id": name})
        server.api.post(f"namespaces/{name}/pipelines", pipeline("nightly", task("wait", gate.wait)))
    server.api.post("namespaces/team/pipelines/nightly/runs", {})
    for event in server.api.events(namespace="team"):
        if event["kind"] == "taskrun.running":
            break


def _signed_in(open_tab: OpenTab, server: ServerThread, token: str, *, dark: bool = False) -> Tab:
    tab = open_tab(server.services.address, dark=dark)
    page: Page = tab.page
    page.goto(f"{tab.address}/login?next=%2Fui%2Fevents")
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/ui/events")
    return tab
