"""The pages that people read: the documentation under /docs/, and what `/` leads to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from gofer.frozen import is_frozen
from gofer.models.ids import shown
from gofer.server.api import reply
from gofer.server.api.problem import MethodNotAllowed
from gofer.server.api.reply import Reply
from gofer.server.api.tally import Tally
from gofer.server.site.archive import Archive, Found

ARCHIVE = Path(__file__).parents[1] / "site.zip"
"""What `make docs` makes; it comes with the package and with the binary."""

HOME = "/docs/"
"""Where `/` leads to."""

_ROOT = "/docs/"
_METHODS = ("GET", "HEAD", "OPTIONS")
_HTML = b"text/html; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_TYPES = {
    "html": _HTML,
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "json": b"application/json",
    "svg": b"image/svg+xml",
    "png": b"image/png",
    # Examples: to be looked at, not to be saved.
    "py": _TEXT,
    "sh": _TEXT,
    "go": _TEXT,
    "mod": _TEXT,
}
_LOST = b"""<!doctype html><html lang=en><meta charset=utf-8><title>Gofer</title>
<h1>The documentation was deleted</h1>
<p>Somebody has removed the folder <code>_MEI&hellip;</code> that this Gofer had unpacked itself into, such as a program
that cleans <code>/tmp</code>. Start Gofer again: no job ends by that.</p>
<p>The API describes itself at <a href="/api/docs">/api/docs</a>.</p></html>
"""
_ABSENT = b"""<!doctype html><html lang=en><meta charset=utf-8><title>Gofer</title>
<h1>No documentation here</h1>
<p>This Gofer runs from a source checkout in which the documentation was not built.
Build it with <code>make docs</code> and load this page again; the same text is in the folder <code>docs</code>.</p>
<p>The API describes itself at <a href="/api/docs">/api/docs</a>.</p></html>
"""


class Site:
    """Wraps the API: answers for `/`, `/docs` and what is below it, and hands on everything else."""

    def __init__(self, app: ASGIApp, archive: Path, tally: Tally) -> None:
        self._app = app
        self._archive = Archive(archive)
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode("latin-1")
        if scope["type"] != "http" or not (path in ("/", "/docs") or path.startswith(_ROOT)):
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        try:
            answer = await self._answer(scope["method"], path, dict(scope["headers"]))
        except Exception as error:
            answer = reply.of_error(error, "documentation")
        await reply.write(answer, scope, receive, send)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._tally.note(method, "/" if path == "/" else _ROOT, answer.status, perf_counter() - started)

    async def _answer(self, method: str, path: str, headers: dict[bytes, bytes]) -> Reply:
        if method == "OPTIONS":
            return Reply(204, headers=[(b"allow", ", ".join(_METHODS).encode())])
        if method not in _METHODS:
            raise MethodNotAllowed(shown(method)[1:-1], ", ".join(_METHODS))
        if path == "/":
            return _moved(302, HOME)
        if path == "/docs":
            return _moved(301, _ROOT)
        return await self._page(path, headers)

    async def _page(self, path: str, headers: dict[bytes, bytes]) -> Reply:
        # The name is a key of a table, so nothing in it can lead out of the archive.
        name = unquote(path.removeprefix(_ROOT))
        if name == "" or name.endswith("/"):
            name += "index.html"
        gzip = _takes_gzip(headers.get(b"accept-encoding", b""))
        try:
            found = await asyncio.to_thread(self._archive.find, name, gzip=gzip)
            if found is not None:
                return self._file(200, name, found, headers.get(b"if-none-match", b""))
            if self._archive.has(f"{name}/index.html"):
                return _moved(301, f"{_ROOT}{quote(name)}/")
            found = await asyncio.to_thread(self._archive.find, "404.html", gzip=gzip)
        except FileNotFoundError:
            return Reply(404, _LOST if is_frozen() else _ABSENT, _HTML)
        return self._file(404, "404.html", found, b"") if found is not None else Reply(404)

    def _file(self, status: int, name: str, found: Found, known: bytes) -> Reply:
        tag = f'"{found.tag}{"-gzip" if found.gzip else ""}"'.encode()
        headers = [(b"etag", tag), (b"vary", b"accept-encoding")]
        policy = self._archive.policy
        if _matches(known, tag):
            # With the policy: a browser takes the headers of this answer for those of the page that it has.
            return Reply(304, headers=headers, policy=policy, cache=b"no-cache")
        if found.gzip:
            headers.append((b"content-encoding", b"gzip"))
        kind = _TYPES.get(name.rpartition(".")[2], b"application/octet-stream")
        return Reply(status, found.body, kind, headers, policy=policy, cache=b"no-cache")


def _moved(status: int, to: str) -> Reply:
    return Reply(status, headers=[(b"location", to.encode())])


def _takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding header (RFC 9110, 12.5.3) allows gzip by its name."""
    for part in accepted.lower().split(b","):
        name, _, weight = part.partition(b";")
        if name.strip() == b"gzip":
            return weight.replace(b" ", b"").rstrip(b".0") != b"q="
    return False


def _matches(known: bytes, tag: bytes) -> bool:
    """Whether an If-None-Match header (RFC 9110, 13.1.2) names `tag`."""
    return any(one.strip().removeprefix(b"W/") in (b"*", tag) for one in known.split(b",")) if known else False
