"""A terminal in a running task: with local processes, and in a container of Docker."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.browser.tab import Tab
from tests.support.server import Api, ServerProcess

_P = "/ui/n/default/p"


@pytest.fixture(scope="module", params=["process", "docker"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with a task that runs until the last test has looked into it."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), request.param)
    api = process.start()
    api.register(pipeline("shell", task("serve", "trap 'exit 0' TERM; while :; do sleep 0.1; done")))
    api.until("taskrun.running", "shell", api.start("shell"), "serve")
    yield api
    api.post("namespaces/default/pipelines/shell/runs/1/cancel")
    api.ended("shell", 1)
    assert process.stop() == 0, process.log_text()


def test_a_command_is_typed_and_the_size_follows_the_window(engine: Api, open_tab: OpenTab) -> None:
    tab = open_tab(engine.address)
    page = tab.open(f"{_P}/shell/runs/1/t/serve")
    page.get_by_role("link", name="Attach").click()
    _type(page, "echo $((6 * 7))1")
    expect(_screen(page)).to_contain_text("421")
    _type(page, 'set -- $(stty size); echo "rows=$1 columns=$2."')
    expect(_screen(page)).to_contain_text(re.compile(r"rows=\d+ columns=\d+\."))
    before = _size(page)
    assert before[0] > 10
    assert before[1] > 80
    page.set_viewport_size({"width": 700, "height": 600})
    _type(page, 'clear; set -- $(stty size); echo "rows=$1 columns=$2."')
    expect(_screen(page)).not_to_contain_text(f"columns={before[1]}.")
    expect(_screen(page)).to_contain_text(re.compile(r"rows=\d+ columns=\d+\."))
    after = _size(page)
    assert after[0] < before[0]
    assert after[1] < before[1]
    tab.picture("attach")
    tab.check_accessible()
    # Tab is the shell's; this is the way out.
    page.keyboard.press("Control+Shift+Escape")
    expect(page.get_by_role("textbox", name="Terminal input")).not_to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_command_that_ends_and_one_that_there_is_not(engine: Api, open_tab: OpenTab) -> None:
    tab = open_tab(engine.address)
    page = tab.open(f"{_P}/shell/runs/1/t/serve/attach?command=sh+-c+'exit+7'")
    status = page.get_by_role("main").get_by_role("status")
    expect(status).to_have_text("The command has ended with 7.")
    page.get_by_label("Command").fill("no-such-command -x")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/attach?command=no-such-command+-x")
    expect(page.get_by_text("no-such-command").last).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(re.compile("ended with 12[67]|not be started|no such", re.I))
    tab.picture("attach-unknown-command")
    page.get_by_label("Command").fill("sh")
    page.get_by_role("button", name="Start").click()
    _type(page, "echo $((6 * 7))1")
    expect(_screen(page)).to_contain_text("421")


def test_the_task_ends_while_one_looks_into_it(tab: Tab, server: Api, gate: Gate) -> None:
    server.register(pipeline("shell-ends", task("serve", gate.wait)))
    run = server.start("shell-ends")
    page = tab.open(f"{_P}/shell-ends/runs/{run}/t/serve/attach")
    _type(page, "echo $((6 * 7))1")
    expect(_screen(page)).to_contain_text("421")
    gate.open()
    expect(page.get_by_text("The task does not run any more")).to_be_visible()
    # What was on the screen is still there to be read.
    expect(_screen(page)).to_contain_text("421")
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    expect(page).to_have_title(f"✓ Terminal in serve · shell-ends #{run} · Gofer")
    tab.check_accessible()
    page.get_by_role("link", name="Its log").click()
    page.wait_for_url("**/t/serve")


def _type(page: Page, line: str) -> None:
    terminal = page.get_by_role("textbox", name="Terminal input")
    expect(terminal).to_be_focused()
    # A shell that has not said anything yet might not be there yet.
    expect(_screen(page)).to_have_text(re.compile(r"[$#] $|[$#]\s*$"))
    page.keyboard.type(line)
    page.keyboard.press("Enter")


def _screen(page: Page) -> Locator:
    return page.locator(".xterm-rows")


def _size(page: Page) -> tuple[int, int]:
    found = re.search(r"rows=(\d+) columns=(\d+)\.", _screen(page).inner_text())
    assert found
    return int(found[1]), int(found[2])
