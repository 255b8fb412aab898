"""The pages that people read: the documentation under /docs/, the console under /ui/, where `/` leads."""

from __future__ import annotations

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
from gofer.server.site import console
from gofer.server.site.console import Console
from gofer.server.site.pages import HTML, METHODS, Pages, moved

ARCHIVE = Path(__file__).parents[1] / "site.zip"
"""What `make docs` makes; it comes with the package and with the binary."""

_ROOT = "/docs/"
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
    """Wraps the API: answers for `/`, `/docs`, `/ui` and what is below them, and hands on everything else."""

    def __init__(self, app: ASGIApp, archive: Path, console_archive: Path, tally: Tally) -> None:
        self._app = app
        self._pages = Pages(archive)
        self._console = Console(console_archive)
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode("latin-1")
        root = _root_of(path) if scope["type"] == "http" else None
        if root is None:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        try:
            answer = await self._answer(scope["method"], path, root, dict(scope["headers"]))
        except Exception as error:
            answer = reply.of_error(error, "pages")
        await reply.write(answer, scope, receive, send)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._tally.note(method, root, answer.status, perf_counter() - started)

    async def _answer(self, method: str, path: str, root: str, headers: dict[bytes, bytes]) -> Reply:
        if method == "OPTIONS":
            return Reply(204, headers=[(b"allow", ", ".join(METHODS).encode())])
        if method not in METHODS:
            raise MethodNotAllowed(shown(method)[1:-1], ", ".join(METHODS))
        if root == "/":
            return moved(302, console.ROOT)
        if root == console.ROOT:
            return await self._console.answer(path, headers)
        if path == "/docs":
            return moved(301, _ROOT)
        return await self._page(path, headers)

    async def _page(self, path: str, headers: dict[bytes, bytes]) -> Reply:
        # The name is a key of a table, so nothing in it can lead out of the archive.
        name = unquote(path.removeprefix(_ROOT))
        if name == "" or name.endswith("/"):
            name += "index.html"
        try:
            found = await self._pages.find(name, headers)
            if found is not None:
                return found
            if self._pages.has(f"{name}/index.html"):
                return moved(301, f"{_ROOT}{quote(name)}/")
            found = await self._pages.find("404.html", headers, status=404)
        except FileNotFoundError:
            return Reply(404, _LOST if is_frozen() else _ABSENT, HTML)
        return found if found is not None else Reply(404)


def _root_of(path: str) -> str | None:
    """Below what the path is; None: it is none of the pages."""
    if path == "/":
        return path
    for root in (_ROOT, console.ROOT):
        if path == root.rstrip("/") or path.startswith(root):
            return root
    return None
