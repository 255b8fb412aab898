"""Reading from an archive that is replaced, missing or damaged while the server runs."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from gofer.server.api.tally import Tally
from gofer.server.site.archive import Archive
from gofer.server.site.serve import Site


def pack(path: Path, **files: bytes) -> None:
    fresh = path.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"default-src 'none'"
        for name, body in files.items():
            archive.writestr(name, body)
    fresh.rename(path)


async def _beyond(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(f"{scope['path']} went past the site")


def get(site: Site, path: str) -> tuple[int, bytes]:
    """Status and body of a GET."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("the site reads no bodies")

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": []}
    asyncio.run(site(scope, receive, send))
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])


def test_a_replaced_archive_is_looked_at_anew(tmp_path: Path) -> None:
    path = tmp_path / "site.zip"
    pack(path, page=b"old" * 100, gone=b"x")
    archive = Archive(path)
    assert (archive.find("page", gzip=False) or ...)[0] == b"old" * 100  # type: ignore[index]
    pack(path, other=b"y" * 5000, page=b"new" * 200)
    found = archive.find("page", gzip=False)
    assert found is not None
    assert found.body == b"new" * 200
    assert archive.find("gone", gzip=False) is None


def test_without_an_archive_a_page_says_how_to_make_one(tmp_path: Path) -> None:
    site = Site(_beyond, tmp_path / "site.zip", tmp_path / "none.zip", Tally())
    status, body = get(site, "/docs/cli/")
    assert status == 404
    assert b"make docs" in body
    assert get(site, "/")[0] == 302
    pack(tmp_path / "site.zip", **{"cli/index.html": b"here"})
    assert get(site, "/docs/cli/") == (200, b"here")


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_archive_is_an_error_and_no_more(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "site.zip"
    path.write_bytes(damage)
    site = Site(_beyond, path, tmp_path / "none.zip", Tally())
    assert get(site, "/docs/")[0] in (404, 500)
    pack(path, **{"index.html": b"mended"})
    assert get(site, "/docs/") == (200, b"mended")
