"""The console's files: one page for every view, files that are kept for good, and nothing but what is packed."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from gofer.server.api.reply import Reply
from gofer.server.site.console import Console

POLICY = b"default-src 'none'; script-src 'self'"
PAGE = b"<!doctype html><title>Gofer</title>" + b"<p>" * 100
SCRIPT = b"export const answer = 42; " * 20


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "console.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as site:
        site.comment = POLICY
        site.writestr("index.html", PAGE)
        site.writestr("assets/main-Ab12.js", SCRIPT)
        site.writestr("secret.txt", b"in the archive, but no file of the console's")
    return path


async def ask(archive: Path, path: str, **headers: str) -> tuple[Reply, dict[bytes, bytes]]:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    reply = await Console(archive).answer(path, given)
    return reply, dict(reply.headers)


@pytest.mark.parametrize("path", ["/ui/", "/ui/n/default/p/nightly/runs/12", "/ui/secret.txt", "/ui/assets", "/ui/%ff"])
async def test_every_view_is_the_same_page_and_asked_for_each_time(archive: Path, path: str) -> None:
    reply, headers = await ask(archive, path)
    assert (reply.status, reply.body, reply.content_type) == (200, PAGE, b"text/html; charset=utf-8")
    assert (reply.cache, reply.policy) == (b"no-cache", POLICY)
    assert headers[b"vary"] == b"accept-encoding"


async def test_files_are_kept_for_good_packed_or_not(archive: Path) -> None:
    plain, _ = await ask(archive, "/ui/assets/main-Ab12.js")
    packed, headers = await ask(archive, "/ui/assets/main-Ab12.js", accept_encoding="br, gzip")
    assert (plain.body, gzip.decompress(packed.body)) == (SCRIPT, SCRIPT)
    assert headers[b"content-encoding"] == b"gzip"
    for reply in (plain, packed):
        assert (reply.content_type, reply.cache) == (
            b"text/javascript; charset=utf-8",
            b"public, max-age=31536000, immutable",
        )


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("path", ["/ui/", "/ui/assets/main-Ab12.js"])
async def test_what_is_known_is_not_sent_again(archive: Path, path: str, encoding: str) -> None:
    first, headers = await ask(archive, path, accept_encoding=encoding)
    tag = headers[b"etag"].decode()
    again, _ = await ask(archive, path, accept_encoding=encoding, if_none_match=f'"other", W/{tag}')
    assert (again.status, again.body, again.cache, again.policy) == (304, b"", first.cache, POLICY)
    other, _ = await ask(archive, path, accept_encoding=encoding, if_none_match='"other"')
    assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "gone-Cd34.js",
        "../index.html",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "/etc/passwd",
        "main-Ab12.js/",
        "%00",
    ],
)
async def test_no_other_file_is_there_and_its_absence_is_not_kept(archive: Path, path: str) -> None:
    """A tab that is older than the server asks for what was there: its page must not be given in place of a script."""
    reply, _ = await ask(archive, f"/ui/assets/{path}")
    assert (reply.status, reply.body, reply.cache) == (404, b"", b"no-store")


async def test_without_the_slash_and_without_a_console(archive: Path, tmp_path: Path) -> None:
    reply, headers = await ask(archive, "/ui")
    assert (reply.status, headers[b"location"]) == (301, b"/ui/")
    for path in ("/ui/", "/ui/assets/main-Ab12.js"):
        absent, _ = await ask(tmp_path / "none.zip", path)
        assert (absent.status, absent.cache) == (404, b"no-store")
        assert b"make ui" in absent.body
