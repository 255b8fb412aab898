"""What strangers write is text, wherever it turns up: in answers, in a browser, on a terminal, in the server's log."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Dialog, Error, Page, Request, sync_playwright

from gofer.models.own_log import OwnLogLine
from gofer.server.own_log import _json, _text
from tests.cli.terminal import in_terminal
from tests.security.poison import ALL, HTML, LINK, POISONED, TERMINAL, poison
from tests.security.routes import Route
from tests.security.world import World
from tests.support.until import until

NAMES = {"pipeline": "poisoned", "run": 1, "task": "loud", "key": "page"}


@pytest.fixture(scope="module")
def poisoned(world: World) -> World:
    """The world, with poison in all places."""
    took = poison(world)
    assert {"namespace description", "description", "variable", "secret", "parameter"} <= set(took)
    until(lambda: world.call("GET", f"{POISONED}/runs/1/tasks/loud").json["status"] == "failed", "it has failed")
    return world


def reading(world: World) -> list[tuple[Route, str]]:
    """Every GET route with the path of what is poisoned, in all its forms."""
    found = []
    for route in world.routes:
        if route.method == "GET":
            path = route.path({**world.names, **({} if "secrets" in route.template else NAMES)})
            found += [(route, path)]
            if path.endswith("/graph"):
                found += [(route, f"{path}?format={form}") for form in ("svg", "mermaid")]
            if path.endswith("/raw"):
                found += [(route, f"{path}?timestamps=true")]
    return found


def test_every_answer_says_what_it_is(poisoned: World) -> None:
    """JSON is JSON; what is not may be saved, and shown by nothing that runs what stands in it."""
    kinds = {"application/json", "application/problem+json", "text/plain; charset=utf-8", "application/x-tar"}
    kinds |= {"text/plain; version=0.0.4; charset=utf-8", "text/vnd.mermaid; charset=utf-8", "image/svg+xml"}
    wrong, seen = [], set()
    for route, path in reading(poisoned):
        answer = poisoned.ask("GET", path, poisoned.root)
        headers, kind = answer.headers, answer.headers.get("content-type", "")
        if route.is_open:  # it tells nothing that anybody has written
            continue
        if (
            headers["x-content-type-options"] != "nosniff"
            or "default-src 'none'" not in headers["content-security-policy"]
        ):
            wrong.append((path, headers))
        if kind.endswith("json"):
            json.loads(answer.body)
        if kind not in kinds:
            seen.add(path)
            safe = headers["content-security-policy"].endswith("sandbox")
            if not safe or not headers["content-disposition"].startswith("attachment;"):
                wrong.append((path, headers))
        if path.endswith(("/raw", "/raw?timestamps=true")) and "attachment" not in headers["content-disposition"]:
            wrong.append((path, headers))
    assert wrong == []
    assert len(seen) == 2, "the objects, of any type that somebody gave them"


def test_a_picture_holds_no_script(poisoned: World) -> None:
    body = poisoned.ask("GET", f"{POISONED}/graph?format=svg", poisoned.root).body.decode()
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(body).iter()}
    assert tags.isdisjoint({"script", "foreignObject", "image", "a", "iframe", "use", "animate", "set"})
    assert not re.search(r"\son\w+=|javascript:|evil\.example", re.sub(r">[^<]*<", "><", body))


def test_errors_repeat_it_as_text(poisoned: World) -> None:
    """In the path, the query, the body and headers: problems are JSON, and what they quote is cut and escaped."""
    for path, body, headers in (
        (f"/api/v1/{quote(HTML)}", None, {}),
        (f"/api/v1/namespaces/{quote(HTML, safe='')}", None, {}),
        (f"/api/v1/namespaces/{quote(TERMINAL, safe='')}", None, {}),
        (f"/api/v1/events?{quote(HTML)}=1", None, {}),
        (f"/api/v1/events?kind={quote(ALL[:60])}", None, {}),
        ("/api/v1/namespaces", {HTML: 1}, {}),
        ("/api/v1/namespaces", {"id": ALL}, {}),
        ("/api/v1/namespaces", None, {"Accept": HTML}),
        ("/api/v1/namespaces", {"id": "x"}, {"Content-Type": HTML}),
        ("/api/v1/namespaces", {"id": "x"}, {"Idempotency-Key": HTML}),
    ):
        given = {"Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        answer = poisoned.ask("POST" if data else "GET", path, poisoned.root, data, given)
        assert 400 <= answer.status < 500, path
        texts = json.dumps(answer.problem)
        assert answer.headers["content-type"] == "application/problem+json"
        assert not unprintable(answer.problem["detail"] + answer.problem["hint"]), path
        assert len(texts) < 2_000


def unprintable(text: str) -> set[str]:
    """Characters that a terminal obeys, or that turn around or hide what stands beside them."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\n\t"}


# -- the browser

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Seen:
    """A page, and what happened in it that should not."""

    def __init__(self, page: Page, own: str) -> None:
        self.happened: list[str] = []
        self._own = own
        page.on("dialog", self._said)
        page.on("request", self._asked)

    def _said(self, dialog: Dialog) -> None:
        self.happened.append(f"script: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._own, "data:", "about:", "blob:")):
            self.happened.append(f"asked: {request.url}")


def test_the_poison_works_where_nothing_stops_it(browser: Browser) -> None:
    """A test that cannot fail would be none."""
    page = browser.new_page()
    seen = Seen(page, "http://localhost")
    page.set_content(f"<p>{HTML}</p>")
    page.wait_for_function("document.images.length > 0")
    assert "script: 1" in seen.happened
    assert any(one.startswith("asked: http://evil.example") for one in seen.happened)
    page.close()


def test_nothing_of_it_runs_in_a_browser(poisoned: World, browser: Browser) -> None:
    """Opened as pages, one after the other, by who is signed in."""
    own = f"http://{poisoned.server.netloc}"
    context = browser.new_context()
    signed_in = context.request.post(f"{own}/api/v1/session", data={"token": poisoned.root}, headers={"Origin": own})
    assert signed_in.status == 201
    page = context.new_page()
    seen = Seen(page, own)
    downloads: list[str] = []
    page.on("download", lambda download: downloads.append(download.url))
    shown = []
    for route, path in reading(poisoned):
        if route.template in ("/api/v1/system/backup", "/docs", "/docs/", "/docs/index.html", "/"):
            continue
        try:
            answer = page.goto(own + path, wait_until="load")
        except Error as error:
            # A file to save is no page.
            if "ERR_ABORTED" not in str(error) and "Download is starting" not in str(error):
                raise
            continue
        if answer is not None and answer.status == 200:
            shown.append(path)
    assert seen.happened == []
    assert len(shown) > 30
    assert {url.removeprefix(own) for url in downloads} >= {
        f"{POISONED}/objects/page",
        f"{POISONED}/runs/1/objects/page",
    }
    context.close()


# -- the terminal

COMMANDS = """
namespace list | namespace get here | pipeline list | pipeline get poisoned | pipeline graph poisoned
pipeline store list poisoned | pipeline store get poisoned page --output - | run list poisoned | run get poisoned 1
run store list poisoned 1 | taskrun list poisoned 1 | taskrun get poisoned 1 loud | taskrun logs poisoned 1 loud
taskrun logs poisoned 1 loud --timestamps | secret list --pipeline main | token list | role list | role get spare
event list | event list --everywhere --limit 500 | event list --audit | event list --kind audit.refused
service info | service logs --level debug
service doctor | token whoami | namespace get <script> | secret get poisoned --pipeline main --reveal
"""


@pytest.mark.parametrize("command", [one.strip() for one in COMMANDS.replace("\n", "|").split("|") if one.strip()])
def test_a_terminal_is_told_nothing_but_colours(poisoned: World, tmp_path: Path, command: str) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_") and k != "NO_COLOR"}
    environ |= {"HOME": str(tmp_path), "TERM": "xterm-256color", "GOFER_CLI_TOKEN": poisoned.root}
    environ |= {"GOFER_CLI_HOST": poisoned.server.netloc, "GOFER_CLI_NAMESPACE": "here", "LANG": "C.UTF-8"}
    with in_terminal([sys.executable, "-m", "gofer", *command.split()], environ, tmp_path) as terminal:
        code = terminal.wait()
        seen = terminal.seen.decode()
    assert (code == 0) == ("<script>" not in command), seen
    assert seen.strip()
    left = re.sub(r"\x1b\[[0-9;]*m", "", seen).replace("\r\n", "\n")
    if "logs" in command or "--reveal" in command:
        # Asked for as it is: a progress bar has carriage returns, and Arabic what turns text around.
        left = "".join(c for c in left.replace("\r", "") if unicodedata.category(c) not in ("Cf", "Zl"))
    assert unprintable(left) == set(), repr(seen)
    assert LINK not in seen


def test_the_log_of_the_server_is_text(poisoned: World) -> None:
    """Lines of one line each, for people and as JSON, whatever they tell of."""
    line = OwnLogLine(number=1, at=0, level="info", logger=ALL, event=ALL, fields={"path": ALL, "client": HTML})
    for written in (_text(line), _json(line)):
        assert not unprintable(written)
        assert "\n" not in written
