"""The login page in a real browser, with its content security policy in force."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from gofer.models.access import UpdateToken
from gofer.server.api.next_page import LONGEST
from tests.docs.test_browser import _ARGUMENTS, CHROMIUM
from tests.integration.api.server import ServerThread
from tests.security.browser import Visitor
from tests.unit.test_next_page import FOREIGN

HOUR = 3_600_000
_UNAUTHORIZED = "error: Failed to load resource: the server responded with a status of 401 (Unauthorized)"
PICTURES = os.environ.get("GOFER_TEST_PICTURES", "")
"""A folder for pictures of the page, to be looked at."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


def served(home: Path, *, production: bool = True) -> ServerThread:
    server = ServerThread(home, production=production, failed_auth_limit=0)
    server.start()
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = served(tmp_path_factory.mktemp("server"))
    found.bootstrap()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def unclaimed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = served(tmp_path_factory.mktemp("unclaimed"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = served(tmp_path_factory.mktemp("development"), production=False)
    yield found
    found.stop()


class Tab:
    """A page of a browser of its own, which remembers what it complained of, and what was asked for."""

    def __init__(self, browser: Browser, server: ServerThread, width: int = 1280, *, dark: bool = False) -> None:
        self.server = server
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": width * 9 // 16 if width > 600 else 740},
            color_scheme="dark" if dark else "light",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(f"{request.url} {request.headers}"))

    def open(self, path: str = "/login") -> Page:
        self.page.goto(self.server.services.address + path, wait_until="networkidle")
        return self.page

    def sign_in(self, token: str) -> None:
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.fixture
def tab(browser: Browser, server: ServerThread) -> Iterator[Tab]:
    tab = Tab(browser, server)
    yield tab
    tab.context.close()
    assert tab.complaints == []


def test_signing_in_and_out(tab: Tab) -> None:
    new = tab.server.new_token(["viewer"], ["team-*"], description="Ann's <b>laptop</b>", expires_in=24 * HOUR)
    page = tab.open()
    expect(page).to_have_title("Sign in · Gofer")
    expect(page.get_by_label("Token")).to_be_focused()
    tab.sign_in(new.secret)
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    assert page.url.endswith("/login")
    expect(page.locator("#description")).to_have_text("Ann's <b>laptop</b>")
    expect(page.locator("#token")).to_have_text(new.token.id)
    expect(page.locator("#roles")).to_have_text("viewer")
    expect(page.locator("#namespaces")).to_have_text("team-*")
    page.reload(wait_until="networkidle")
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    assert tab.context.cookies() == []


def test_the_token_stays_nowhere(tab: Tab) -> None:
    token = tab.server.token(["viewer"])
    page = tab.open()
    tab.sign_in(token)
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    (cookie,) = tab.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    for text in (token, str(cookie.get("value"))):
        assert not any(text in request for request in tab.requests if "'cookie'" not in request)
        stored = "JSON.stringify([localStorage, sessionStorage, document.cookie, history.state, location.href])"
        assert text not in page.evaluate(stored)
        assert text not in page.content()
    page.go_back()
    assert token not in page.content()


def test_signing_out_everywhere(browser: Browser, tab: Tab) -> None:
    token = tab.server.token(["viewer"])
    other = Visitor(tab.server)
    other.sign_in(token)
    page = tab.open()
    tab.sign_in(token)
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    assert not other.is_in()


def test_by_the_keyboard_alone(tab: Tab) -> None:
    page = tab.open()
    page.keyboard.type(tab.server.token(["viewer"]))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_what_is_wrong_is_announced(tab: Tab) -> None:
    page = tab.open()
    tab.sign_in("gofer_client_wrong")
    alert = page.locator("#error[role=alert]")
    expect(alert).to_contain_text("This is no token that Gofer has made. Paste it whole")
    expect(page.get_by_label("Token")).to_be_focused()
    tab.picture("wrong")
    assert tab.complaints == [_UNAUTHORIZED]
    tab.complaints.clear()
    tab.sign_in(tab.server.token(["viewer"]))
    expect(page.get_by_role("heading")).to_have_text("You are signed in")


def test_the_token_can_be_looked_at(tab: Tab) -> None:
    page = tab.open()
    field, show = page.get_by_label("Token"), page.locator("#show")
    field.fill("gofer_x")
    assert field.get_attribute("type") == "password"
    show.click()
    assert field.get_attribute("type") == "text"
    expect(show).to_have_text("Hide")


def test_a_session_that_ends_while_the_page_is_open(tab: Tab) -> None:
    new = tab.server.new_token(["viewer"])
    page = tab.open()
    tab.sign_in(new.secret)
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    tab.server.in_loop(lambda: tab.server.services.tokens.update(new.token.id, UpdateToken(enabled=False)))
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    assert tab.complaints == [_UNAUTHORIZED]
    tab.complaints.clear()


def test_a_browser_that_keeps_no_cookie_is_told_so(tab: Tab) -> None:
    def without_cookie(route: Route) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        tab.context.clear_cookies()
        route.fulfill(status=answer.status, headers=headers, body=answer.body())

    page = tab.open()
    page.route("**/api/v1/session", lambda route: without_cookie(route) if is_post(route) else route.continue_())
    tab.sign_in(tab.server.token(["viewer"]))
    expect(page.locator("#error")).to_contain_text("this browser has not kept the cookie")
    expect(page.get_by_label("Token")).to_be_focused()
    assert tab.complaints == [_UNAUTHORIZED]
    tab.complaints.clear()


def is_post(route: Route) -> bool:
    return route.request.method == "POST"


def test_it_goes_on_to_where_one_wanted(tab: Tab) -> None:
    page = tab.open("/login?next=/api/docs%23Token")
    tab.sign_in(tab.server.token(["viewer"]))
    page.wait_for_url("**/api/docs#Token")
    page = tab.open("/login?next=/api/docs")
    expect(page.get_by_role("link", name="Go on")).to_have_attribute("href", "/api/docs")


@pytest.mark.parametrize("wanted", [text for text in FOREIGN if text.isprintable() and 0 < len(text) <= LONGEST])
def test_it_leads_nowhere_else(server: ServerThread, wanted: str) -> None:
    from urllib.parse import quote

    answer = server.ask("GET", f"/login?next={quote(wanted, safe='')}")
    assert answer.status == 200
    assert b'data-next="/"' in answer.body


def test_what_stands_in_next_is_no_html(server: ServerThread) -> None:
    answer = server.ask("GET", "/login?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert b"<script>alert" not in answer.body
    assert b'data-next="/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in answer.body


def test_a_server_that_nobody_has_claimed(browser: Browser, unclaimed: ServerThread) -> None:
    tab = Tab(browser, unclaimed)
    page = tab.open()
    expect(page.get_by_text("gofer service token bootstrap")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_hidden()
    tab.picture("unclaimed")
    assert tab.complaints == []
    tab.context.close()


def test_in_development_mode(browser: Browser, development: ServerThread) -> None:
    tab = Tab(browser, development)
    page = tab.open()
    expect(page.get_by_role("heading")).to_have_text("No need to sign in")
    tab.picture("development")
    page.get_by_text("Sign in with a token all the same").click()
    tab.sign_in(development.token(["viewer"]))
    # There were two until then.
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert tab.complaints == []
    tab.context.close()


def test_it_says_when_no_runs_are_started(tab: Tab) -> None:
    ingress = tab.server.services.ingress
    tab.server.in_loop(lambda: ingress.set_open(False))
    try:
        page = tab.open()
        told = page.get_by_text("No new runs are started now")
        expect(told).to_be_hidden()
        tab.sign_in(tab.server.token(["viewer"]))
        expect(told).to_be_visible()
        tab.picture("draining")
    finally:
        tab.server.in_loop(lambda: ingress.set_open(True))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 2560, 3840])
def test_on_every_screen(browser: Browser, server: ServerThread, width: int, dark: bool) -> None:
    tab = Tab(browser, server, width, dark=dark)
    page = tab.open()
    name = f"{width}-{'dark' if dark else 'light'}"
    tab.picture(f"enter-{name}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    tab.sign_in(server.token(["viewer", "operator"], ["team-a", "team-b-*"], description="The laptop of Ann"))
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    tab.picture(f"account-{name}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44, "too small for a finger"
    assert tab.complaints == []
    tab.context.close()


def test_its_policy(server: ServerThread) -> None:
    for path in ("/login", "/login.css", "/login.js", "/login.svg"):
        answer = server.ask("GET", path)
        assert answer.status == 200
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
