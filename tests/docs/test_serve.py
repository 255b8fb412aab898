"""How the site is served: from the archive, packed as it lies there, and nothing but what is in it."""

from __future__ import annotations

import gzip
import http.client
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from gofer.server.site.pages import TYPES
from tests.support.server import Api


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(server: Api, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def test_every_file_is_served_as_it_is_in_the_archive(server: Api, archive: Path) -> None:
    with zipfile.ZipFile(archive) as site:
        assert site.testzip() is None
        for name in site.namelist():
            assert name.rpartition(".")[2] in TYPES, f"nobody knows what {name} is"
            plain = ask(server, f"/docs/{name}")
            assert (plain.status, plain.body) == (200, site.read(name)), name
            assert "content-encoding" not in plain.headers
            packed = ask(server, f"/docs/{name}", {"Accept-Encoding": "br, gzip;q=0.8"})
            if packed.headers.get("content-encoding") == "gzip":
                assert len(packed.body) < len(plain.body) or len(plain.body) < 100
                assert gzip.decompress(packed.body) == plain.body
            else:
                assert packed.body == plain.body
            assert plain.headers["content-type"] == packed.headers["content-type"]


def test_pages_are_packed_for_who_can_unpack(server: Api) -> None:
    for accepted in ("gzip", "deflate, gzip, br", "gzip;q=0.1"):
        assert ask(server, "/docs/", {"Accept-Encoding": accepted}).headers["content-encoding"] == "gzip"
    for accepted in ("", "br", "gzip;q=0", "gzip; q=0.000", "identity"):
        assert "content-encoding" not in ask(server, "/docs/", {"Accept-Encoding": accepted}).headers


def test_a_known_page_is_not_sent_again(server: Api) -> None:
    for accepted in ("gzip", "identity"):
        first = ask(server, "/docs/cli/", {"Accept-Encoding": accepted})
        tag = first.headers["etag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            again = ask(server, "/docs/cli/", {"Accept-Encoding": accepted, "If-None-Match": known})
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
            # A browser puts these headers in the place of those that it has.
            for name in ("content-security-policy", "cache-control", "vary"):
                assert again.headers[name] == first.headers[name]
        other = ask(server, "/docs/cli/", {"Accept-Encoding": accepted, "If-None-Match": '"other"'})
        assert (other.status, other.body) == (200, first.body)
    assert ask(server, "/docs/", {}).headers["cache-control"] == "no-cache"


def test_the_ways_in(server: Api) -> None:
    for path, status, to in [
        ("/", 302, "/ui/"),
        ("/docs", 301, "/docs/"),
        ("/docs/cli", 301, "/docs/cli/"),
    ]:
        answer = ask(server, path)
        assert (answer.status, answer.headers["location"]) == (status, to)
    assert b"<title>Gofer</title>" in ask(server, "/docs/").body
    assert b"openapi.json" in ask(server, "/api/docs").body


def test_head_and_other_methods(server: Api) -> None:
    page = ask(server, "/docs/cli/")
    head = ask(server, "/docs/cli/", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(page.body))
    options = ask(server, "/docs/cli/", method="OPTIONS")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "DELETE", "PROPFIND"):
        refused = ask(server, "/docs/cli/", method=method)
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nothing",
        "/docs/nothing/",
        "/docs//",
        "/docs//etc/passwd",
        "/docs/../../../../etc/passwd",
        "/docs/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/docs/..%2f..%2f..%2fetc%2fpasswd",
        "/docs/%252e%252e/etc/passwd",
        "/docs/%00",
        "/docs/cli%00/",
        "/docs/%ff%fe",
        "/docs/\\..\\..\\",
        "/docs/../site.zip",
        "/docs/" + "a/" * 2000,
        "/docs//example.org",
    ],
)
def test_nothing_else_is_there(server: Api, path: str) -> None:
    answer = ask(server, path)
    assert answer.status == 404
    assert "location" not in answer.headers
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    # The page says so, and leads on.
    assert b"404" in answer.body
    assert b'href="/docs/' in answer.body


def test_the_headers_that_keep_a_page_to_itself(server: Api) -> None:
    for path in ("/docs/", "/docs/nothing", "/docs/search/search_index.json"):
        headers = ask(server, path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_other_sites_are_kept_out(server: Api) -> None:
    assert ask(server, "/docs/", {"Host": "evil.example"}).status == 403
    assert ask(server, "/docs/", {"Origin": "http://evil.example"}).status == 403
    assert ask(server, "/docs/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status == 403
    assert ask(server, "/docs/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status == 200


def test_requests_are_counted_under_one_route(server: Api) -> None:
    ask(server, "/docs/made-up-by-a-client")
    figures = ask(server, "/metrics").body.decode()
    assert 'gofer_http_requests_total{method="GET",route="/docs/",status="404"}' in figures
    assert "made-up" not in figures
