"""A page of another program on the same machine, in a real browser: for the browser the same site, and not the same
origin. In development mode nobody needs a token, so nothing but the server's own look at the request keeps it out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.docs.test_browser import _ARGUMENTS, CHROMIUM
from tests.integration.api.server import ServerThread

RUNS = "/api/v1/namespaces/default/pipelines/p/runs"
NAMESPACES = "/api/v1/namespaces"


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another program</title>")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    server = ServerThread(tmp_path_factory.mktemp("dev"))
    server.start()
    server.api.register({"id": "p", "tasks": [{"id": "t", "image": "fake", "command": ["hang"]}]})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}/"
    listener.shutdown()
    listener.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, elsewhere: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(elsewhere)
    yield page
    context.close()


def untouched(server: ServerThread) -> bool:
    runs = server.api.get(RUNS)["items"]
    return not runs and [one["id"] for one in server.api.get(NAMESPACES)["items"]] == ["default"]


@pytest.mark.parametrize("referrer", ["unsafe-url", "no-referrer"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize("path", [RUNS, NAMESPACES])
def test_a_form(server: ServerThread, page: Page, path: str, kind: str, referrer: str) -> None:
    """One with a JSON body as far as a form can make one, and one without any content."""
    for name in ('{"id": "forged", "description": "', ""):
        script = """([address, kind, name, referrer]) => {
            const meta = document.createElement("meta");
            [meta.name, meta.content] = ["referrer", referrer];
            document.head.append(meta);
            const form = document.createElement("form");
            [form.method, form.action, form.enctype] = ["post", address, kind];
            if (name) {
                const field = document.createElement("input");
                [field.name, field.value] = [name, '"}'];
                form.append(field);
            }
            document.body.append(form);
            form.submit();
        }"""
        with page.expect_navigation() as navigation:
            page.evaluate(script, [server.services.address + path, kind, name, referrer])
        assert navigation.value is not None
        assert navigation.value.status == 403
        page.go_back()
    assert untouched(server)


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
@pytest.mark.parametrize("mode", ["no-cors", "cors"])
def test_fetch(server: ServerThread, page: Page, mode: str, kind: str) -> None:
    script = """async ([address, mode, kind]) => {
        const options = {method: "POST", mode, headers: {"Content-Type": kind}, credentials: "include"};
        try {
            const answer = await fetch(address, {...options, body: '{"id": "forged"}'});
            return answer.type;
        } catch {
            return "refused";
        }
    }"""
    for path in (NAMESPACES, RUNS):
        assert page.evaluate(script, [server.services.address + path, mode, kind]) in ("refused", "opaque")
    assert untouched(server)


def test_nothing_can_be_read(server: ServerThread, page: Page) -> None:
    script = "async (address) => { try { await fetch(address); return true } catch { return false } }"
    assert page.evaluate(script, server.services.address + NAMESPACES) is False


def test_a_websocket(server: ServerThread, page: Page) -> None:
    script = """(address) => new Promise((done) => {
        const socket = new WebSocket(address);
        socket.onopen = () => done("open");
        socket.onerror = () => done("refused");
    })"""
    assert page.evaluate(script, f"{server.websocket_address}/api/v1/events/stream") == "refused"


def test_it_cannot_be_framed(server: ServerThread, page: Page) -> None:
    script = """(address) => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.src = address;
        frame.onload = () => done();
        document.body.append(frame);
    })"""
    for path in ("/login", "/api/docs"):
        page.evaluate(script, server.services.address + path)
        assert page.frames[-1].url.startswith(("chrome-error://", "about:blank")), path
