"""A run from its form to its end, and again."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import Tab
from tests.support.server import Api

_PARAMETERS = [
    {"name": "DAY", "type": "string", "default": "monday", "description": "Whose orders"},
    {"name": "ROWS", "type": "integer", "default": 1000},
    {"name": "SHARE", "type": "number"},
    {"name": "FULL", "type": "boolean", "default": False},
    {"name": "AREA", "type": "string", "choices": ["north", "south"], "required": True},
]


def test_a_run_from_the_form_to_its_end(tab: Tab, server: Api, gate: Gate) -> None:
    say = task("say", f'echo "$DAY $ROWS $SHARE $FULL $AREA"; {gate.wait}')
    server.register(pipeline("form", say, task("after", "true", "say"), parameters=_PARAMETERS))
    page = tab.open("/ui/n/default/p/form")
    page.get_by_role("button", name="Start a run…").click()
    dialog = page.get_by_role("dialog", name="Start form")
    expect(dialog.get_by_label("DAY")).to_have_value("monday")
    expect(dialog.get_by_label("DAY")).to_have_accessible_description("Whose orders")
    expect(dialog.get_by_label("ROWS")).to_have_value("1000")
    expect(dialog.get_by_label("FULL")).to_have_value("false")
    tab.check_accessible()
    dialog.get_by_label("ROWS").fill("many")
    tab.expect_complaint(r"status of 4\d\d")
    dialog.get_by_role("button", name="Start the run").click()
    # What the server says of a parameter stands at its field, and the first of them has the focus.
    rows = dialog.get_by_label("ROWS")
    expect(rows).to_have_accessible_description(re.compile('expected an integer, came "many"'))
    expect(rows).to_be_focused()
    expect(dialog.get_by_label("AREA")).to_have_accessible_description(re.compile("is required"))
    tab.picture("form-refused")
    tab.check_accessible()
    rows.fill("12")
    expect(rows).to_have_accessible_description("")
    dialog.get_by_label("SHARE").fill("0.5")
    dialog.get_by_label("FULL").select_option("true")
    dialog.get_by_label("AREA").select_option("south")
    dialog.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/p/form/runs/1")
    # Live, without anything loaded anew.
    page.evaluate("window.isSame = true")
    expect(_node(page, "say", "running")).to_be_visible()
    expect(_node(page, "after", "waiting")).to_be_visible()
    gate.open()
    expect(page.get_by_role("heading", name="successful form #1")).to_be_visible()
    expect(_node(page, "after", "successful")).to_be_visible()
    timeline = page.get_by_role("table", name="Timeline")
    expect(timeline.get_by_role("link", name=re.compile("say, attempt 1, successful: running"))).to_be_visible()
    assert page.evaluate("window.isSame") is True
    assert server.log("form", 1, "say") == b"monday 12 0.5 true south\n"


def test_a_cancelled_run_and_again_with_another_parameter(tab: Tab, server: Api, gate: Gate) -> None:
    wait = task("wait", f'[ "$DAY" = friday ] || {{ {gate.wait}; }}')
    server.register(pipeline("again", wait, task("after", "true", "wait"), parameters=_PARAMETERS))
    run = server.start("again", AREA="north", ROWS=7)
    page = tab.open(f"/ui/n/default/p/again/runs/{run}")
    expect(_node(page, "wait", "running")).to_be_visible()
    cancel = page.get_by_role("button", name="Cancel…")
    cancel.click()
    dialog = page.get_by_role("dialog", name="Cancel run 1?")
    tab.check_accessible()
    dialog.get_by_role("button", name="Let it run").click()
    expect(cancel).to_be_focused()
    page.keyboard.press("x")
    dialog.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("heading", name="cancelled again #1")).to_be_visible()
    expect(_node(page, "wait", "cancelled")).to_be_visible()
    tab.picture("cancelled")
    page.keyboard.press("s")
    again = page.get_by_role("dialog", name="Start again again, as run 1 with changes")
    expect(again.get_by_label("ROWS")).to_have_value("7")
    expect(again.get_by_label("AREA")).to_have_value("north")
    tab.check_accessible()
    again.get_by_label("DAY").fill("friday")
    again.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/p/again/runs/2")
    expect(page.get_by_role("heading", name="successful again #2")).to_be_visible()
    assert server.run("again", 2)["parameters"] == {"DAY": "friday", "ROWS": 7, "FULL": False, "AREA": "north"}


def test_retries_all_and_from_what_failed(tab: Tab, server: Api, tmp_path: Path) -> None:
    done = tmp_path / "done"
    server.register(
        pipeline(
            "retry",
            task("good", "echo good"),
            task("bad", f"echo try; [ -e {done} ]", "good", retries={"count": 1, "backoff": "1ms"}),
            task("later", "true", "bad"),
        )
    )
    server.ended("retry", server.start("retry"))
    page = tab.open("/ui/n/default/p/retry/runs/1")
    failed = page.get_by_role("region", name="What failed")
    expect(failed).to_contain_text("exited with code 1")
    timeline = page.get_by_role("table", name="Timeline")
    for attempt in (1, 2):
        expect(
            timeline.get_by_role("link", name=re.compile(f"bad, attempt {attempt}, failed: running"))
        ).to_be_visible()
    page.get_by_role("button", name="Tasks", exact=True).click()
    attempts = page.get_by_role("row").filter(has_text=re.compile(r"attempt [12]"))
    expect(attempts).to_have_count(2)
    tab.picture("attempts")
    tab.check_accessible()
    done.touch()
    page.get_by_role("button", name="Retry from failed").click()
    page.wait_for_url("**/p/retry/runs/2**")
    expect(page.get_by_role("heading", name="successful retry #2")).to_be_visible()
    assert [server.tasks("retry", 2)[one]["reason"] for one in ("good", "bad", "later")] == ["kept", "", ""]
    expect(page.get_by_text("retry of run 1")).to_be_visible()
    page.get_by_role("button", name="Retry all").click()
    page.wait_for_url("**/p/retry/runs/3**")
    expect(page.get_by_role("heading", name="successful retry #3")).to_be_visible()
    assert {one["reason"] for one in server.tasks("retry", 3).values()} == {""}


def test_what_a_run_was_given_and_what_happened(tab: Tab, server: Api) -> None:
    base = "namespaces/default/pipelines/given"
    server.register(pipeline("given", task("say", "true"), parameters=_PARAMETERS))
    assert server.call("PUT", f"{base}/secrets/key", {"value": "hidden-42"})[0] in (200, 201, 204)
    server.register(
        pipeline(
            "given", task("say", "true", variables={"KEY": "secret{{key}}", "HOW": "plain"}), parameters=_PARAMETERS
        )
    )
    server.ended("given", server.start("given", AREA="north"))
    page = tab.open("/ui/n/default/p/given/runs/1")
    page.get_by_role("button", name="Variables", exact=True).click()
    expect(_row(page, "HOW")).to_contain_text("plainpipeline")
    expect(_row(page, "AREA").last).to_contain_text("northrun")
    expect(_row(page, "KEY")).to_be_visible()
    expect(page.get_by_text("hidden-42")).to_have_count(0)
    tab.check_accessible()
    page.get_by_role("button", name="Events", exact=True).click()
    for kind in ("run.queued", "taskrun.running", "successful run.ended"):
        expect(_row(page, kind)).to_have_count(1)
    tab.check_accessible()
    expect(page.get_by_text("a person")).to_be_visible()
    # The version that it was of, though another one is live.
    page.locator("dd").get_by_role("link", name="2", exact=True).click()
    page.wait_for_url("**/p/given?version=2")
    expect(page.get_by_text("Version 2, as run 1 has it")).to_be_visible()


def test_a_run_that_is_not_there(tab: Tab, server: Api) -> None:
    server.register(pipeline("missing", task("say", "true")))
    tab.expect_complaint(r"status of 404 \(Not Found\)")
    page = tab.open("/ui/n/default/p/missing/runs/9")
    expect(page.get_by_role("alert")).to_contain_text("9")
    tab.check_accessible()
    page.get_by_role("link", name="‹ missing").click()
    page.wait_for_url("**/p/missing")


def _row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))


def _node(page: Page, name: str, status: str) -> Locator:
    """Of the graph."""
    return page.get_by_role("button", name=re.compile(f"^{name} .*, {status}"))
