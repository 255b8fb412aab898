"""The system's page: health with what to do, figures that live, the server's own log, settings and common tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.browser.jobs import Gate, pipeline, task
from tests.support.server import Api, ServerProcess

_SECRET = "a key that nobody reads, 32 long"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with settings, which counts from nothing."""
    environ = {"GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY": _SECRET, "GOFER_LOG_LEVEL": "debug"}
    process = ServerProcess(tmp_path_factory.mktemp("server"), "process", environ)
    api = process.start()
    api.post(
        "common-tasks",
        {"id": "tell", "image": "busybox:stable", "namespaces": ["default"], "description": "Tells the team."},
    )
    yield api
    assert process.stop() == 0, process.log_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("section", ["", "log", "common-tasks", "access", "settings"])
def test_every_part_can_be_read_by_everybody(system: Api, open_tab: OpenTab, section: str, dark: bool) -> None:
    tab = open_tab(system.address, 360 if dark else 1280, dark=dark)
    page = tab.open(f"/ui/system/{section}".rstrip("/"))
    expect(page.locator("main section").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    tab.picture(f"system-{section}-{dark}")
    tab.check_accessible()


def test_figures_live(system: Api, open_tab: OpenTab, gate: Gate) -> None:
    tab = open_tab(system.address)
    page = tab.open("/ui/system")
    running = page.get_by_role("definition").first
    expect(running).to_have_text("0")
    system.register(pipeline("figures", task("wait", gate.wait)))
    run = system.start("figures")
    expect(running).to_have_text("1")
    expect(page.get_by_text("1 runs created", exact=False)).to_be_visible()
    gate.open()
    system.ended("figures", run)
    expect(running).to_have_text("0")
    expect(page.get_by_role("img", name="Runs that ended: successful 1,")).to_be_visible()
    page.get_by_role("button", name="week").click()
    page.wait_for_url("**span=week")
    page.reload()
    expect(page.get_by_role("heading", name="The last week")).to_be_visible()


def test_findings_with_what_to_do_and_no_new_runs(system: Api, open_tab: OpenTab) -> None:
    tab = open_tab(system.address)
    page = tab.open("/ui/system")
    checks = page.get_by_role("region", name="What the doctor finds")
    # The gravest first, with its remedy.
    expect(checks.get_by_role("listitem").first).to_contain_text("engine: warning")
    expect(checks.get_by_role("listitem").first).to_contain_text("Start a container engine such as Docker")
    page.get_by_role("button", name="Take on no new runs…").click()
    dialog = page.get_by_role("dialog")
    tab.check_accessible()
    dialog.get_by_role("button", name="Take on no new runs").click()
    expect(page.get_by_text("Takes on no new runs")).to_be_visible()
    expect(checks.get_by_role("listitem").filter(has_text="new runs: warning")).to_be_visible()
    page.get_by_role("button", name="Take on runs again").click()
    expect(page.get_by_text("Takes on runs")).to_be_visible()


def test_the_servers_own_log(system: Api, open_tab: OpenTab) -> None:
    tab = open_tab(system.address)
    page = tab.open("/ui/system/log")
    expect(page.get_by_text("following")).to_be_visible()
    page.get_by_label("From").select_option("debug")
    page.get_by_role("searchbox").fill("own-log-of")
    page.wait_for_url("**level=debug&contains=own-log-of")
    lines = page.get_by_role("log")
    system.register(pipeline("own-log-of", task("say", "exit 3")))
    system.ended("own-log-of", system.start("own-log-of"))
    expect(lines).to_contain_text(re.compile('run ended.*status=failed.*detail="failed: say".*default/own-log-of/1'))
    page.reload()
    expect(lines).to_contain_text("own-log-of/1")
    tab.check_accessible()
    page.get_by_label("From").select_option("error")
    expect(lines).to_contain_text("Nothing was said that fits.")


def test_settings_with_their_sources(system: Api, open_tab: OpenTab) -> None:
    tab = open_tab(system.address)
    page = tab.open("/ui/system/settings")
    row = page.get_by_role("row").filter(has_text="log_level")
    expect(row).to_contain_text("environment")
    key = page.get_by_role("row").filter(has_text="sqlite.encryption_key")
    expect(key).to_contain_text("set, and not shown")
    assert _SECRET not in page.content()
    expect(page.get_by_text("needs a restart").first).to_have_attribute("title", re.compile("after the server"))
    page.get_by_role("button", name="Only those that are set").click()
    page.wait_for_url("**set=yes")
    expect(row).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="event_log_retention")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("row").filter(has_text="event_log_retention")).to_have_count(0)
    page.get_by_role("searchbox").fill("no such setting")
    expect(page.get_by_text("No setting fits.")).to_be_visible()
    page.get_by_role("button", name="Read the configuration again").click()
    expect(page.get_by_text("The configuration says what holds already.")).to_be_visible()


def test_a_common_task(system: Api, open_tab: OpenTab) -> None:
    tab = open_tab(system.address)
    page = tab.open("/ui/system/common-tasks")
    expect(page.get_by_role("article")).to_contain_text("Tells the team.")
    page.get_by_role("button", name="Disable…").click()
    tab.check_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Disable it").click()
    expect(page.get_by_role("article")).to_contain_text("disabled")
    page.get_by_role("button", name="Enable", exact=True).click()
    expect(page.get_by_role("article")).to_contain_text("enabled")
    page.get_by_role("button", name="Uninstall…").click()
    page.get_by_role("dialog").get_by_role("button", name="Uninstall it").click()
    expect(page.get_by_text("None is installed.")).to_be_visible()
