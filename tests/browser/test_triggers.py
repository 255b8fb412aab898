"""Triggers: how they are, what they told of, why nothing happened, and what one may do with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import pipeline, task
from tests.browser.tab import Tab
from tests.support.server import Api, ServerProcess
from tests.support.until import until

_TRIGGERS = "/ui/system/triggers"


@pytest.fixture(scope="module")
def triggers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with `interval` and `cron`, and one that lacks a secret."""
    home = tmp_path_factory.mktemp("server")
    process = ServerProcess(home, "process", {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "true"})
    api = process.start()
    _call(api, "PUT", "secrets/hook", {"value": "a-secret-of-a-hook", "namespaces": ["*"]})
    _call(api, "PATCH", "triggers/interval", {"settings": {"min_duration": "100ms"}})
    api.post("triggers", {"id": "hooks", "image": "builtin:github", "settings": {"secret": "global_secret{{hook}}"}})
    _call(api, "DELETE", "secrets/hook")
    api.post("triggers/hooks/restart")
    until(lambda: api.get("triggers/interval")["state"] == "healthy", "the interval trigger")
    until(lambda: api.get("triggers/hooks")["state"] == "failed", "the one without its secret")
    yield api
    assert process.stop() == 0, process.log_text()


def test_each_says_how_it_is_and_what_to_do(triggers: Api, open_tab: OpenTab) -> None:
    for dark in (False, True):
        tab = open_tab(triggers.address, dark=dark)
        page = tab.open(f"{_TRIGGERS}?trigger=hooks")
        expect(_row(page, "cron")).to_contain_text("healthy")
        expect(_row(page, "hooks")).to_contain_text("failed")
        expect(_row(page, "hooks")).to_contain_text('secret "hook"')
        expect(page.get_by_text("It has told of nothing so far.")).to_be_visible()
        tab.picture(f"triggers-{dark}")
        tab.check_accessible()


def test_why_nothing_happened(triggers: Api, open_tab: OpenTab) -> None:
    tab = open_tab(triggers.address)
    page = tab.open(f"{_TRIGGERS}?trigger=interval")
    often = {"label": "often", "trigger": "interval", "settings": {"every": "200ms", "jitter": False}}
    triggers.register(pipeline("tick", task("say", "echo hello"), subscriptions=[often]))
    rows = page.get_by_role("row")
    first = page.get_by_role("link", name="run 1", exact=True)
    expect(rows.filter(has=first)).to_contain_text("often")
    _call(triggers, "PATCH", "namespaces/default/pipelines/tick", {"enabled": False})
    expect(page.locator("td.why").filter(has_text="disabled").first).to_be_visible()
    page.get_by_role("button", name="started", exact=False).click()
    page.wait_for_url("**outcome=started")
    expect(page.locator("td.why").filter(has_text="disabled")).to_have_count(0)
    tab.picture("trigger-events")
    tab.check_accessible()
    first.click()
    page.wait_for_url("**/p/tick/runs/1")


def test_disabled_enabled_and_restarted(triggers: Api, open_tab: OpenTab) -> None:
    tab = open_tab(triggers.address)
    page = tab.open(f"{_TRIGGERS}?trigger=cron")
    _choose(page, "cron", "Disable…")
    dialog = page.get_by_role("dialog", name="Disable cron?")
    expect(dialog).to_contain_text("0 subscriptions")
    tab.check_accessible()
    dialog.get_by_role("button", name="Disable it").click()
    expect(_row(page, "cron")).to_contain_text("disabled")
    _choose(page, "cron", "Enable")
    expect(_row(page, "cron")).to_contain_text("healthy", timeout=20_000)
    _choose(page, "cron", "Restart")
    expect(page.get_by_text("cron is started anew.")).to_be_visible()
    expect(_row(page, "cron")).to_contain_text("healthy", timeout=20_000)
    page.get_by_role("button", name="Log", exact=True).click()
    page.wait_for_url("**show=log")
    expect(page.get_by_role("log")).to_be_visible()
    tab.check_accessible()
    page.get_by_role("button", name="Settings", exact=True).click()
    expect(page.get_by_role("definition").filter(has_text="builtin:cron")).to_be_visible()


def test_uninstalled_only_by_who_insists(triggers: Api, open_tab: OpenTab) -> None:
    weekly = {"label": "weekly", "trigger": "interval", "settings": {"every": "168h"}}
    triggers.register(pipeline("weekly", task("say", "echo hello"), subscriptions=[weekly]))
    tab = open_tab(triggers.address, 400)
    tab.expect_complaint("status of 409")
    page = tab.open(_TRIGGERS)
    _choose(page, "interval", "Uninstall…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Uninstall it").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(dialog.get_by_role("button", name="Uninstall it nevertheless")).to_be_visible()
    tab.check_accessible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    _choose(page, "hooks", "Uninstall…")
    dialog.get_by_role("button", name="Uninstall it").click()
    expect(_row(page, "hooks")).to_have_count(0)


def test_there_is_none(tab: Tab) -> None:
    page = tab.open(_TRIGGERS)
    expect(page.get_by_text("No trigger is installed")).to_be_visible()
    tab.check_accessible()


def _row(page: Page, trigger: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("button", name=f"Actions of {trigger}"))


def _choose(page: Page, trigger: str, action: str) -> None:
    page.get_by_role("button", name=f"Actions of {trigger}").click()
    page.get_by_role("menuitem", name=action).click()


def _call(api: Api, method: str, path: str, body: object = None) -> None:
    status, answer = api.call(method, path, body)
    assert status < 300, (status, answer)
