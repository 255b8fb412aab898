"""A pipeline's page: its runs, its versions and what they did, what holds it, and its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import Tab
from tests.integration.api.server import ServerThread
from tests.support.server import Api


def test_a_square_of_the_grid_opens_that_log(tab: Tab, server: Api, gate: Gate) -> None:
    server.register(pipeline("grid", task("one", "true"), task("two", f"{gate.wait}; exit 1", "one")))
    page = tab.open("/ui/n/default/p/grid")
    expect(page.get_by_text("It has not run yet.")).to_be_visible()
    run = server.start("grid")
    grid = page.get_by_role("table", name="Tasks by runs")
    expect(grid.get_by_role("link", name=re.compile("two in run 1: running"))).to_be_visible()
    gate.open()
    server.ended("grid", run)
    failed = grid.get_by_role("link", name=re.compile("two in run 1: failed"))
    expect(failed).to_be_visible()
    tab.check_accessible()
    # One stop of the Tab key; the arrows go along.
    grid.get_by_role("link").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(failed).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/grid/runs/1/t/two")


def test_versions_their_differences_and_back(tab: Tab, server: Api) -> None:
    server.register(pipeline("versions", task("say", "echo 1")))
    server.register(pipeline("versions", task("say", "echo 2"), task("more", "true", "say")))
    page = tab.open("/ui/n/default/p/versions")
    page.get_by_role("button", name="Versions", exact=True).click()
    page.get_by_role("button", name="Compare with live").click()
    page.wait_for_url("**version=1*")
    shown = page.get_by_role("region", name="Versions")
    expect(shown).to_contain_text("From version 2, which is live, to 1")
    expect(shown).to_contain_text("echo 1")
    # The graph is that version's.
    graph = page.get_by_role("region", name="Graph")
    expect(graph).to_contain_text("Version 1; version 2 is live")
    expect(graph.get_by_role("button", name=re.compile("^more"))).to_have_count(0)
    tab.picture("versions")
    tab.check_accessible()
    make = page.get_by_role("button", name="Make it live…")
    make.click()
    dialog = page.get_by_role("dialog", name="Make version 1 live?")
    expect(dialog).to_contain_text("New runs get version 1 instead of 2.")
    expect(dialog).to_contain_text(re.compile(r"2 changes: .*tasks.*"))
    tab.picture("make-live")
    tab.check_accessible()
    # Nothing has happened until it is said.
    dialog.get_by_role("button", name="Leave it").click()
    expect(make).to_be_focused()
    assert server.get("namespaces/default/pipelines/versions")["version"] == 2
    make.click()
    dialog.get_by_role("button", name="Make it live").click()
    expect(page.get_by_text("Version 1 is live.")).to_be_visible()
    expect(graph).not_to_contain_text("version 2 is live")
    page.get_by_role("button", name="Deployments", exact=True).click()
    tab.check_accessible()
    page.get_by_role("button", name="Go back to the version before").click()
    expect(page.get_by_role("row", name=re.compile("rollback 1 → 2"))).to_contain_text("completed")
    expect(graph.get_by_role("button", name=re.compile("^more"))).to_be_visible()


def test_a_canary_is_started_and_decides(tab: Tab, server: Api) -> None:
    server.register(pipeline("try-it", task("work", "echo 1")))
    server.post("namespaces/default/pipelines?deploy=false", pipeline("try-it", task("work", "echo 2")))
    page = tab.open("/ui/n/default/p/try-it?tab=versions")
    page.get_by_role("button", name="Make it live…").click()
    dialog = page.get_by_role("dialog", name="Make version 2 live?")
    dialog.get_by_role("radio", name="Canary").check()
    expect(dialog.get_by_label("Share of new runs")).to_have_value("10")
    expect(dialog.get_by_label("Decide after")).to_have_value("20")
    dialog.get_by_label("Share of new runs").fill("100")
    expect(dialog.get_by_role("button", name="Try it")).to_be_disabled()
    dialog.get_by_label("Share of new runs").fill("50")
    dialog.get_by_label("Decide after").fill("1")
    tab.picture("make-live-canary")
    tab.check_accessible()
    dialog.get_by_role("button", name="Try it").click()
    page.wait_for_url("**tab=deployments*")
    row = page.get_by_role("row", name=re.compile("canary deployed 1 → 2"))
    expect(row).to_contain_text("running")
    for _ in range(2):
        server.ended("try-it", server.start("try-it"))
    expect(row).to_contain_text("completed")
    assert server.get("namespaces/default/pipelines/try-it")["version"] == 2


@pytest.mark.parametrize("end", ["Promote", "Abort"])
def test_a_canary_is_compared_live_and_ended(end: str, tab: Tab, server: Api) -> None:
    name = f"canary-{end.lower()}"
    base = f"namespaces/default/pipelines/{name}"
    server.register(pipeline(name, task("work", "echo 1")))
    server.post("namespaces/default/pipelines?deploy=false", pipeline(name, task("work", "echo 2")))
    server.post(f"{base}/deployments", {"version": 2, "strategy": "canary", "every": 2, "manual": True})
    page = tab.open(f"/ui/n/default/p/{name}?tab=deployments")
    shown = page.get_by_role("region", name="Deployments")
    expect(shown).to_contain_text("version 2: 0 successful, 0 failed")
    for _ in range(4):
        server.ended(name, server.start(name))
    expect(shown).to_contain_text("version 1: 2 successful, 0 failed")
    expect(shown).to_contain_text("version 2: 2 successful, 0 failed")
    expect(shown.get_by_role("row", name=re.compile("^Success rate"))).to_contain_text("100.0 %")
    tab.picture(f"canary-{end.lower()}")
    tab.check_accessible()
    shown.get_by_role("button", name=end).click()
    row = shown.get_by_role("row", name=re.compile("canary deployed 1 → 2"))
    expect(row).to_contain_text("completed" if end == "Promote" else "aborted")
    assert server.get(base)["version"] == (2 if end == "Promote" else 1)


def test_disabled_paused_and_frozen(tab: Tab, server: Api) -> None:
    server.register(pipeline("held", task("say", "true")))
    page = tab.open("/ui/n/default/p/held")
    start = page.get_by_role("button", name="Start a run…")
    _choose(page, "Disable")
    expect(page.get_by_text("Disabled: no run of it is started.")).to_be_visible()
    expect(start).to_be_disabled()
    _choose(page, "Enable")
    expect(start).to_be_enabled()
    _choose(page, "Pause")
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    tab.check_accessible()
    # A run waits until the pipeline goes on.
    run = server.start("held")
    waiting = tab.other(f"/ui/n/default/p/held/runs/{run}")
    expect(waiting.get_by_role("heading", name="queued held #1")).to_be_visible()
    expect(waiting.locator("main")).to_contain_text("paused")
    _choose(page, "Resume")
    expect(waiting.get_by_role("heading", name="successful held #1")).to_be_visible()
    _choose(page, "Freeze")
    expect(page.get_by_text("frozen", exact=True)).to_be_visible()
    _choose(page, "Unfreeze")
    expect(page.get_by_text("frozen", exact=True)).to_be_hidden()


def test_deleted_when_its_name_is_typed(tab: Tab, server: Api, gate: Gate) -> None:
    server.register(pipeline("doomed", task("wait", gate.wait)))
    assert server.call("PUT", "namespaces/default/pipelines/doomed/objects/thing", {})[0] in (200, 201)
    run = server.start("doomed")
    server.until("taskrun.running", "doomed", run, "wait")
    page = tab.open("/ui/n/default/p/doomed")
    _choose(page, "Delete…")
    dialog = page.get_by_role("dialog", name="Delete doomed?")
    for told in ("1 version, with all deployments", "1 run, with all logs and objects", "1 object"):
        expect(dialog).to_contain_text(told)
    remove = dialog.get_by_role("button", name="Delete for good")
    expect(remove).to_be_disabled()
    tab.check_accessible()
    dialog.get_by_role("textbox").fill("doomed")
    tab.expect_complaint(r"status of 409")
    remove.click()
    # In the server's words.
    expect(dialog.get_by_role("alert")).to_contain_text(re.compile("run", re.IGNORECASE))
    tab.picture("delete-refused")
    gate.open()
    server.ended("doomed", run)
    # The page may hear of the end before it is left.
    tab.expect_complaint(r"status of 404 .*/doomed")
    remove.click()
    page.wait_for_url("**/ui/n/default")
    expect(page.get_by_text("doomed is deleted.")).to_be_visible()
    assert server.call("GET", "namespaces/default/pipelines/doomed")[0] == 404


def test_what_it_uses(tab: Tab, server: Api) -> None:
    base = "namespaces/default/pipelines/uses"
    server.register(pipeline("uses", task("say", "true")))
    page = tab.open("/ui/n/default/p/uses?tab=uses")
    expect(page.get_by_text("No trigger starts it.")).to_be_visible()
    assert server.call("PUT", f"{base}/secrets/password", {"value": "hidden-42"})[0] in (200, 201)
    assert server.call("PUT", f"{base}/objects/state", {"a": 1})[0] in (200, 201)
    page.reload()
    expect(page.get_by_role("cell", name="password")).to_be_visible()
    expect(page.get_by_role("link", name="state")).to_be_visible()
    expect(page.get_by_text("hidden-42")).to_have_count(0)
    tab.check_accessible()


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    server = ServerThread(tmp_path_factory.mktemp("production"), production=True, failed_auth_limit=0)
    server.start()
    yield server
    server.stop()


def test_who_may_only_look_is_offered_nothing_else(production: ServerThread, open_tab: OpenTab) -> None:
    address = production.services.address
    admin = Api(address, production.bootstrap())
    admin.register(pipeline("looked-at", task("say", "exit 1")))
    admin.ended("looked-at", admin.start("looked-at"))
    token = admin.post("tokens", {"kind": "client", "roles": ["viewer"], "namespaces": ["default"]})["secret"]
    tab = open_tab(address)
    tab.expect_complaint(r"status of 40[13]|HTTP Authentication failed")
    page = tab.page
    page.goto(f"{address}/login?next=/ui/n/default/p/looked-at")
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("table", name="Tasks by runs")).to_be_visible()
    for button in ("Start a run…", "More"):
        expect(page.get_by_role("button", name=button)).to_have_count(0)
    page.goto(f"{address}/ui/n/default/p/looked-at/runs/1")
    expect(page.get_by_role("heading", name="failed looked-at #1")).to_be_visible()
    for button in ("Start again…", "Retry all", "Retry from failed"):
        expect(page.get_by_role("button", name=button)).to_have_count(0)


def _choose(page: Page, item: str) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name=re.compile(f"^{item}")).click()
