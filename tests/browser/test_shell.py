"""What is around every page: the way there, keys, theme, and addresses."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.tab import Tab

_BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


def test_the_address_of_the_server_leads_to_the_pipelines(tab: Tab) -> None:
    page = tab.open("/")
    assert page.url == f"{tab.address}/ui/"
    expect(page.get_by_role("link", name="Pipelines", exact=True)).to_have_attribute("aria-current", "page")


def test_the_parts_by_link_by_key_and_back(tab: Tab) -> None:
    page = tab.open("/ui/")
    page.get_by_role("link", name="Events", exact=True).click()
    page.wait_for_url("**/ui/events")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/ui/system")
    page.go_back()
    page.wait_for_url("**/ui/events")
    expect(page.locator("main h1").first).to_be_visible()


def test_the_keys_are_shown_and_closed_again(tab: Tab) -> None:
    page = tab.open("/ui/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Go to the events")
    tab.picture("keys")
    tab.check_accessible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_an_address_that_is_none(tab: Tab) -> None:
    page = tab.open("/ui/no/such/page")
    expect(page.get_by_role("alert")).to_contain_text("There is no page /ui/no/such/page.")
    tab.check_accessible()
