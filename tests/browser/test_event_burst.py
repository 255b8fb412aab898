"""Ten thousand events at once: the page answers, shows no more than it can, and has none missing in the end."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.integration.api.server import ServerThread
from tests.support.until import until

_TASKS, _RUNS = 150, 17


def test_the_page_answers_in_a_burst(tmp_path: Path, open_tab: OpenTab) -> None:
    server = ServerThread(tmp_path / "burst", "fake")
    server.start()
    try:
        server.api.register({"id": "wide", "tasks": [{"id": f"t{i:03d}", "image": "fake"} for i in range(_TASKS)]})
        page = open_tab(server.services.address).open("/ui/events")
        status = page.get_by_role("main").get_by_role("status")
        expect(status).to_have_text("live")
        before = server.services.bus.last_seq
        for _ in range(_RUNS):
            server.api.start("wide")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Pause").click()
        expect(status).to_contain_text("paused")
        assert page.locator("li .seq").count() <= 200
        until(lambda: not server.services.runs.running and not server.services.runs.queued, "the end of all runs")
        assert server.services.bus.last_seq - before >= 10_000
        page.get_by_role("button", name="Resume").click()
        newest = [event["seq"] for event in server.api.get("events", newest_first="true", limit=200)["items"]]
        expect(page.locator("li .seq").first).to_have_text(str(newest[0]), timeout=30_000)
        assert [int(text) for text in page.locator("li .seq").all_text_contents()] == newest
    finally:
        server.stop()
