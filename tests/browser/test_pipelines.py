"""The pipelines of a namespace: found, put in order, kept as favourites, and followed without anything loaded anew."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import AWAY, Tab
from tests.support.server import Api, ServerProcess


@pytest.fixture(scope="module")
def namespace(server: Api) -> str:
    """With three pipelines: one that is right, one that fails, one that never ran."""
    server.post("namespaces", {"id": "overview"})
    for name, script, runs in (
        ("backup", "echo saved", 3),
        ("import", "echo no source >&2; exit 1", 1),
        ("report", "", 0),
    ):
        _register(server, pipeline(name, task("only", script or "echo hello"), name=f"The {name}"))
        for _ in range(runs):
            _ended(server, name, _start(server, name))
    return "overview"


def _register(server: Api, manifest: dict[str, Any], namespace: str = "overview") -> None:
    server.post(f"namespaces/{namespace}/pipelines", manifest)


def _start(server: Api, name: str, namespace: str = "overview") -> int:
    return int(server.post(f"namespaces/{namespace}/pipelines/{name}/runs", {})["id"])


def _ended(server: Api, name: str, run: int) -> None:
    next(one for one in server.events(namespace="overview", pipeline=name, run=run) if one["kind"] == "run.ended")


def _rows(page: Page) -> Locator:
    """The names of the pipelines, from top to bottom."""
    return page.get_by_role("table", name="Pipelines of").get_by_role("row").locator(".name a")


def test_filter_as_one_types(tab: Tab, namespace: str) -> None:
    page = tab.open(f"/ui/n/{namespace}")
    expect(_rows(page)).to_have_text(["backup", "import", "report"])
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Filter the pipelines")
    expect(field).to_be_focused()
    # Its display name counts too, and the words may be in any order.
    field.press_sequentially("rep THE")
    expect(_rows(page)).to_have_text(["report"])
    page.wait_for_url("**/ui/n/overview?q=rep+THE")
    field.fill("nothing like it")
    page.get_by_role("button", name="Show all").click()
    expect(_rows(page)).to_have_count(3)
    field.fill("imp")
    field.press("Escape")
    expect(_rows(page)).to_have_count(3)


def test_only_those_that_fail_and_a_link_to_that(tab: Tab, namespace: str) -> None:
    page = tab.open(f"/ui/n/{namespace}")
    page.get_by_role("group", name="Show").get_by_role("button", name="Failing").click()
    expect(_rows(page)).to_have_text(["import"])
    other = tab.other(page.url.removeprefix(tab.address))
    expect(_rows(other)).to_have_text(["import"])


def test_in_another_order_by_its_head(tab: Tab, namespace: str) -> None:
    page = tab.open(f"/ui/n/{namespace}")
    head = page.get_by_role("columnheader", name="Success")
    head.get_by_role("button").click()
    # The least successful first; what never ran last, either way.
    expect(_rows(page)).to_have_text(["import", "backup", "report"])
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(_rows(page)).to_have_text(["backup", "import", "report"])
    page.reload()
    expect(head).to_have_attribute("aria-sort", "descending")


def test_in_another_order_on_a_small_screen(open_tab: OpenTab, server: Api, namespace: str) -> None:
    page = open_tab(server.address, 360).open(f"/ui/n/{namespace}")
    page.get_by_role("combobox", name="Order").select_option("by pipeline, reversed")
    expect(_rows(page)).to_have_text(["report", "import", "backup"])


def test_a_favourite_comes_first_and_is_kept(tab: Tab, namespace: str) -> None:
    page = tab.open(f"/ui/n/{namespace}")
    star = page.get_by_role("button", name="Favourite report")
    star.click()
    expect(_rows(page)).to_have_text(["report", "backup", "import"])
    page.reload()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(_rows(page).first).to_have_text("report")
    star.click()
    expect(_rows(page).first).to_have_text("backup")


def test_the_strip_leads_to_a_run(tab: Tab, namespace: str) -> None:
    page = tab.open(f"/ui/n/{namespace}")
    runs = page.get_by_role("list", name="Runs of backup").get_by_role("link")
    expect(runs).to_have_count(3)
    for box in (one.bounding_box() for one in runs.all()):
        assert box is not None
        assert box["width"] >= 12
    # One stop of the Tab key for all of them: the arrows go along.
    runs.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(runs.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/n/overview/p/backup/runs/2")


def test_what_happens_is_shown_without_loading_anew(tab: Tab, server: Api, namespace: str, gate: Gate) -> None:
    page = tab.open(f"/ui/n/{namespace}")
    page.evaluate("window.isSamePage = true")
    _register(server, pipeline("arrives", task("wait", gate.wait)))
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="arrives"))
    expect(row).to_contain_text("no run yet")
    run = _start(server, "arrives")
    expect(row.get_by_title("1 running")).to_be_visible()
    expect(row.get_by_role("link", name="Run 1, running")).to_be_visible()
    gate.open()
    _ended(server, "arrives", run)
    expect(row.get_by_role("link", name=re.compile("^Run 1, successful after"))).to_be_visible()
    expect(row).to_contain_text("100 %")
    assert server.raw("DELETE", "/api/v1/namespaces/overview/pipelines/arrives")[0] < 300
    expect(row).to_be_hidden()
    assert page.evaluate("window.isSamePage")


def test_an_empty_namespace_says_what_to_do_next(tab: Tab, server: Api) -> None:
    server.post("namespaces", {"id": "hollow"})
    page = tab.open("/ui/n/hollow")
    expect(page.get_by_role("heading", name="No pipeline in hollow yet")).to_be_visible()
    expect(page.get_by_text("gofer pipeline create ./pipeline.py --namespace hollow")).to_be_visible()
    tab.check_accessible()
    _register(server, pipeline("first", task("only", "echo hello")), "hollow")
    expect(_rows(page)).to_have_text(["first"])


def test_a_namespace_that_does_not_exist(tab: Tab) -> None:
    tab.expect_complaint(r"status of 404 \(Not Found\)")
    page = tab.open("/ui/n/no-such-namespace")
    expect(page.get_by_role("alert")).to_contain_text("no-such-namespace")
    tab.check_accessible()
    # The way on is the menu of those there are.
    page.get_by_role("button", name="Namespace").click()
    page.get_by_role("menuitemradio", name="default").click()
    page.wait_for_url("**/ui/n/default")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_server_is_away_and_the_list_comes_by_itself(own_server: ServerProcess, open_tab: OpenTab) -> None:
    api = own_server.start()
    api.register(pipeline("stays", task("only", "echo hello")))
    tab = open_tab(api.address)
    page = tab.open("/ui/n/default")
    expect(_rows(page)).to_have_text(["stays"])
    tab.expect_complaint(AWAY)
    own_server.kill()
    # What is known stays to be read.
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    expect(_rows(page)).to_have_text(["stays"])
    own_server.start()
    api.register(pipeline("came-later", task("only", "echo hello")))
    expect(_rows(page)).to_have_text(["came-later", "stays"])
    expect(page.get_by_text("Reconnecting…")).to_be_hidden()
