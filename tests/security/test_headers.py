"""What every answer tells a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from gofer.server.site import console
from gofer.server.site.serve import ARCHIVE
from tests.integration.api.server import Answer, ServerThread
from tests.security.world import World

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POWERFUL = ("camera", "microphone", "geolocation", "usb", "serial", "hid", "display-capture", "payment")


def wrong(answer: Answer) -> list[str]:
    """What is missing among the headers of an answer."""
    headers = answer.headers
    found = [name for name, value in ALWAYS.items() if headers.get(name) != value]
    found += [name for name in POWERFUL if f"{name}=()" not in headers.get("permissions-policy", "")]
    policy = headers.get("content-security-policy", "")
    if "default-src 'none'" not in policy or "frame-ancestors 'none'" not in policy or "unsafe" in policy:
        found.append("content-security-policy")
    if "cache-control" not in headers:
        found.append("cache-control")
    if "access-control-allow-origin" in headers:
        found.append("access-control-allow-origin")
    return found


@pytest.mark.parametrize("who", ["root", "nobody", "foreign"])
def test_every_answer_of_every_route(world: World, who: str) -> None:
    token = world.root if who == "root" else None
    headers = {"Host": "evil.example"} if who == "foreign" else None
    found = {}
    for route in world.routes:
        answer = world.try_route(route, token, headers=headers)
        if answer.status != 101:
            found[route.name] = wrong(answer)
    assert {name: missing for name, missing in found.items() if missing} == {}
    assert len(found) > 50


@pytest.mark.parametrize(
    "path",
    [
        *["/nothing", "/api/v1/nothing", "//", "/docs/nothing", "/api/v1/namespaces/%00"],
        *["/ui", "/ui/", "/ui/default/nothing", "/ui/assets/nothing.js", "/ui/../x", "/ui/%00"],
    ],
)
def test_what_is_not_there(world: World, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS", "BREW"):
        assert wrong(world.server.ask(method, path)) == []


def test_no_page_has_a_script_or_style_in_it_that_its_policy_does_not_name(world: World) -> None:
    with ZipFile(ARCHIVE) as archive:
        pages = {f"/docs/{name}": archive.read(name).decode() for name in archive.namelist() if name.endswith(".html")}
    with ZipFile(console.ARCHIVE) as archive:
        pages["/ui/"] = archive.read("index.html").decode()
    docs, ui = world.server.ask("GET", "/docs/"), world.server.ask("GET", "/ui/")
    api = world.server.ask("GET", "/api/docs")
    login = world.server.ask("GET", "/login")
    pages["/api/docs"], pages["/login"] = api.body.decode(), login.body.decode()
    assert len(pages) > 10
    for path, page in pages.items():
        policy = {"/api/docs": api, "/login": login, "/ui/": ui}.get(path, docs).headers["content-security-policy"]
        for kind, attributes, text in re.findall(r"<(script|style)\b([^>]*)>(.*?)</\1>", page, re.DOTALL):
            if "src=" in attributes or "application/json" in attributes:
                continue
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy, (path, kind, text[:80])
        assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=", page), path
        assert "javascript:" not in page, path


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    server = ServerThread(
        tmp_path_factory.mktemp("behind"),
        production=True,
        allowed_hosts=["gofer.example.org"],
        trusted_proxies=["127.0.0.1"],
    )
    server.start()
    yield server
    server.stop()


def https_only(server: ServerThread, host: str, proto: str, path: str = "/healthz") -> str | None:
    return server.ask("GET", path, headers={"Host": host, "X-Forwarded-Proto": proto}).headers.get(
        "strict-transport-security"
    )


def test_https_only_is_said_where_it_is_spoken_and_by_name(behind: ServerThread) -> None:
    for path in ("/healthz", "/nothing", "/docs/", "/api/v1/namespaces"):
        assert https_only(behind, "gofer.example.org", "https", path) == "max-age=31536000"
    assert https_only(behind, "gofer.example.org", "http") is None
    assert https_only(behind, "localhost", "https") is None
    assert https_only(behind, "127.0.0.1", "https") is None
    assert https_only(behind, "[::1]", "https") is None
    assert https_only(behind, "evil.example", "https") is None


def test_nobody_but_a_trusted_proxy_makes_it_say_so(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, production=True, allowed_hosts=["gofer.example.org"])
    server.start()
    try:
        assert https_only(server, "gofer.example.org", "https") is None
    finally:
        server.stop()


def test_dev_mode_says_nothing_of_it(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, allowed_hosts=["gofer.example.org"], trusted_proxies=["127.0.0.1"])
    server.start()
    try:
        assert https_only(server, "gofer.example.org", "https") is None
    finally:
        server.stop()
