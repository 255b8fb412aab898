"""What a server must serve that has the web console."""

from __future__ import annotations

import re
import zipfile
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.server import Api

_LOADED = re.compile(rb'(?:src|href)="(/ui/assets/[^"]+)"')


def check_console(api: Api, packed: Path) -> None:
    """Its page for any view, under the policy of `packed`; every file of that, byte for byte; and the licences."""
    with zipfile.ZipFile(packed) as archive:
        policy = archive.comment.decode()
        files = {name: archive.read(name) for name in archive.namelist()}
    assert "default-src 'none'; script-src 'self'" in policy
    for view in ("/ui/", "/ui/n/default/p/any/runs/1"):
        assert _ask(api, view) == (200, policy, files["index.html"])
    wanted = _LOADED.findall(files["index.html"])
    assert len(wanted) > 1, "the page loads nothing"
    assert {one.decode().removeprefix("/ui/") for one in wanted} <= files.keys()
    for name in files.keys() - {"index.html"}:
        assert _ask(api, f"/ui/{name}")[::2] == (200, files[name]), name


def _ask(api: Api, path: str) -> tuple[int, str, bytes]:
    """Status, policy and body."""
    connection = HTTPConnection(urlsplit(api.address).netloc, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Security-Policy"], answer.read()
    finally:
        connection.close()
