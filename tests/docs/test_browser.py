"""The site in a real browser, with its content security policy in force."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.support.server import Api

CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """Opens pages and remembers what they complained of, and what they wanted from elsewhere."""

    def __init__(self, browser: Browser, server: Api) -> None:
        self._browser = browser
        self._server = server
        self.complaints: list[str] = []

    def open(self, path: str, *, width: int = 1280, dark: bool = False) -> Page:
        context = self._browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", lambda request: self._see(request.url))
        page.goto(self._server.address + path, wait_until="networkidle")
        return page

    def _failed(self, request: Request) -> None:
        # A page that is left gives up what it has not loaded yet.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}: {request.failure}")

    def _see(self, url: str) -> None:
        if not url.startswith((f"{self._server.address}/", "data:")):
            self.complaints.append(f"foreign: {url}")


@pytest.fixture
def watched(browser: Browser, server: Api, archive: object) -> Iterator[Watched]:
    watched = Watched(browser, server)
    yield watched
    for context in browser.contexts:
        context.close()
    assert watched.complaints == []


def test_the_home_page(watched: Watched) -> None:
    page = watched.open("/docs/")
    expect(page.locator("h1")).to_contain_text("Gofer")


def test_search_finds_a_page(watched: Watched) -> None:
    page = watched.open("/docs/")
    page.locator("input.md-search__input").press_sequentially("task_run_log_expiry")
    result = page.locator(".md-search-result__item a[href*='/configuration/'][href*='#']").first
    expect(result).to_contain_text("Settings")
    result.click()
    page.wait_for_url("**/docs/configuration/**")
    expect(page.locator("article mark").first).to_be_visible()


def test_links_and_the_way_through_the_pages(watched: Watched) -> None:
    page = watched.open("/docs/")
    page.locator(".md-tabs__link", has_text="Reference").click()
    page.locator(".md-nav__link:visible", has_text="Configuration").first.click()
    expect(page.locator("h1")).to_contain_text("configuration")
    page.locator(".md-sidebar--secondary a", has_text="Block server").click()
    assert page.url.endswith("/docs/configuration/#block-server")


def test_code_can_be_copied(watched: Watched) -> None:
    page = watched.open("/docs/configuration/")
    expect(page.locator("pre .md-code__button, pre .md-clipboard, .md-code__nav button").first).to_be_attached()


def test_dark_follows_the_system_and_can_be_chosen(watched: Watched) -> None:
    light = watched.open("/docs/").evaluate(_BACKGROUND)
    page = watched.open("/docs/", dark=True)
    dark = page.evaluate(_BACKGROUND)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(30, 33, 41)")
    page.locator("label[for='__palette_1']").click()
    assert page.evaluate(_BACKGROUND) == light
    page.reload(wait_until="networkidle")
    assert page.evaluate(_BACKGROUND) == light, "the choice is forgotten"


def test_a_page_that_is_not_there(watched: Watched) -> None:
    page = watched.open("/docs/no/such/page")
    expect(page.locator("h1")).to_contain_text("404")
    assert watched.complaints == [
        "error: Failed to load resource: the server responded with a status of 404 (Not Found)"
    ]
    watched.complaints.clear()
    page.locator("a.md-logo").first.click()
    page.wait_for_url("**/docs/")


@pytest.mark.parametrize("width", [400, 1280])
def test_no_page_is_wider_than_the_window(watched: Watched, width: int) -> None:
    page = watched.open("/docs/", width=width)
    urls = page.evaluate("[...document.querySelectorAll('.md-nav--primary a[href]')].map(a => a.href.split('#')[0])")
    assert len(set(urls)) > 15
    for url in sorted(set(urls)):
        page.goto(url, wait_until="load")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{url} is {wide} pixels wide"


def test_the_menu_of_a_narrow_window(watched: Watched) -> None:
    page = watched.open("/docs/", width=400)
    page.locator("label.md-header__button[for='__drawer']").click()
    page.locator(".md-nav--primary .md-nav__link:visible", has_text="Reference").first.click()
    expect(page.locator(".md-nav--primary a:visible", has_text="Command line")).to_be_visible()
