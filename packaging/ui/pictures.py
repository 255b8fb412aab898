"""Takes the pictures of the console in docs/img/console: `make pictures`.

A real server with real runs, in a browser; what is of this machine alone (its folders, its kernel, its port) is
replaced by what a reader would have. Needs Chromium and pngquant.
"""

from __future__ import annotations

import getpass
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import scene  # beside this file
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.tab import ARGUMENTS, CHROMIUM
from tests.support.server import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "img" / "console"
MOST = 600_000

_ORDERS = "/ui/n/default/p/nightly-orders"
_SCAN = "/ui/n/default/p/scan-network/runs/1"
_REPLACE = """pairs => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    for (const [from, to] of pairs) node.data = node.data.replaceAll(from, to)
}"""


class Picture(NamedTuple):
    """`seen`: a text of the page that is there when it is whole. `before`: what is done first."""

    path: str
    seen: str
    before: Callable[[Page], None] = lambda page: None
    width: int = 1280
    height: int = 640
    dark: bool = False


def _compare(page: Page) -> None:
    page.get_by_role("button", name="Compare with live").click()


def _interval(page: Page) -> None:
    page.locator("main").get_by_text("interval").first.click()


def _type(page: Page) -> None:
    page.locator(".xterm-helper-textarea").focus()
    for text in ("cat progress", "echo $GOFER_TASK_ID, attempt $GOFER_ATTEMPT"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        page.wait_for_timeout(400)


def _find(page: Page) -> None:
    page.keyboard.press("Control+k")


PICTURES = {
    "pipelines": Picture("/ui/n/default", "scan-network", height=500),
    "pipelines-dark": Picture("/ui/n/default", "scan-network", height=500, dark=True),
    "pipeline": Picture(_ORDERS, "report"),
    "versions": Picture(f"{_ORDERS}?tab=versions", "Compare with live", _compare, height=760),
    "run": Picture(f"{_ORDERS}/runs/6", "Timeline"),
    "run-live": Picture(_SCAN, "Timeline", height=720, dark=True),
    "log": Picture(f"{_ORDERS}/runs/23/t/check#L22-L24", "constraint"),
    "pipelines-narrow": Picture("/ui/n/default", "scan-network", width=400, height=700),
    "events": Picture("/ui/events?kind=run.*", "run.ended", height=520),
    "system": Picture("/ui/system?span=hour", "Takes on runs", height=700),
    "triggers": Picture("/ui/system/triggers", "interval", _interval, height=520),
    "attach": Picture(f"{_SCAN}/t/shard-3/attach?command=env+%22PS1=$+%22+sh", "Command", _type, height=420),
    "palette": Picture("/ui/n/default", "scan-network", _find, height=560),
}


def main(names: list[str]) -> int:
    """Takes those named, or all. Returns 1 if they are larger than the documentation bears."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = ServerProcess(Path(folder) / "server", "process")
        api = server.start()
        gate = scene.fill(api, Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        stand_ins = [
            (f"{folder}/server/data", "/var/lib/gofer"),
            (api.address, "http://localhost:8080"),
            (platform.release(), "6.1.0"),
            (f"user {getpass.getuser()}", "user anna"),
        ]
        try:
            for name in names or PICTURES:
                _take(browser, api.address, name, PICTURES[name], stand_ins)
        finally:
            browser.close()
            gate.open()
            api.ended("scan-network", 1)
            server.stop()
    size = sum(path.stat().st_size for path in TARGET.glob("*.png"))
    print(f"{TARGET.relative_to(ROOT)}: {len(list(TARGET.glob('*.png')))} pictures, {size / 1000:.0f} kB")
    return 0 if size <= MOST else 1


def _take(browser: Browser, address: str, name: str, picture: Picture, stand_ins: list[tuple[str, str]]) -> None:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
        timezone_id="Europe/Vienna",
        locale="en-GB",
    )
    context.add_init_script("localStorage.gofer ??= JSON.stringify({favourites: ['default/nightly-orders']})")
    page = context.new_page()
    page.goto(address + picture.path)
    page.locator("main").get_by_text(picture.seen).first.wait_for()
    picture.before(page)
    # A picture has no moment at which it is done: charts and graphs settle within this.
    page.wait_for_timeout(1500)
    page.evaluate(_REPLACE, stand_ins)
    target = TARGET / f"{name}.png"
    page.screenshot(path=target)
    context.close()
    subprocess.run(["pngquant", "--force", "--strip", "--speed", "1", "--output", target, target], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
