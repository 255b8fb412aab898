"""Where a browser may be sent after it has signed in."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from gofer.server.api.next_page import LONGEST, safe_next


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs/",
        "/namespaces/default/pipelines/nightly?tab=runs&from=2",
        "/docs/configuration/#block-server",
        "/a%20b",
        "/search?q=http://example.org//x",
        "/caf%C3%A9",
        "/loginn",
    ],
)
def test_a_path_of_this_server(path: str) -> None:
    assert safe_next(path) == path


FOREIGN = [
    "",
    "docs/",
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "https://evil.example",
    "HTTPS:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nLocation: https://evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/\x00/evil.example",
    "/..//evil.example",
    "/x//evil.example",
    "@evil.example",
    ".evil.example",
    "/\u2028/evil.example",
    "/\u3002evil.example",
    "/\uff0f/evil.example",
    "/login",
    "/login?next=/login",
    "/" + "a" * LONGEST,
]


@pytest.mark.parametrize("text", FOREIGN)
def test_what_is_more_than_that(text: str) -> None:
    assert safe_next(text) == "/"


@pytest.mark.parametrize(
    "text", ["//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "/\x00x"]
)
@pytest.mark.parametrize("times", range(1, 8))
def test_what_becomes_more_when_it_is_unescaped(text: str, times: int) -> None:
    for _ in range(times):
        text = "/" + quote(text[1:], safe="")
    assert safe_next(text) == "/"
