"""The web console under /ui/: one page for every address there, and the files that it loads."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from gofer.server.api.reply import Reply
from gofer.server.site.pages import HTML, Pages, moved

ARCHIVE = Path(__file__).parents[1] / "console.zip"
"""What `make ui` makes; it comes with the package and with the binary."""

ROOT = "/ui/"

_LICENCES = "licences.md"
"""Of the libraries that are built into the console."""

_ASSETS = "assets/"
# Their names have a digest of what is in them.
_FOR_GOOD = b"public, max-age=31536000, immutable"
_ABSENT = b"""<!doctype html><html lang=en><meta charset=utf-8><title>Gofer</title>
<h1>No console here</h1>
<p>This Gofer runs from a source checkout in which the web console was not built.
Build it with <code>make ui</code> and load this page again. The command line does all that the console does:
<code>gofer --help</code>.</p>
<p><a href="/docs/">Documentation</a> &middot; <a href="/api/docs">The API</a> &middot;
<a href="/login">Sign in</a></p></html>
"""


class Console:
    """Answers for `/ui` and what is below it. Nothing here tells what the server holds: the page asks the API."""

    def __init__(self, archive: Path) -> None:
        self._pages = Pages(archive)

    async def answer(self, path: str, headers: dict[bytes, bytes]) -> Reply:
        """For the path of a GET or HEAD that begins with `/ui`."""
        if path == ROOT.rstrip("/"):
            return moved(301, ROOT)
        name = unquote(path.removeprefix(ROOT))
        try:
            if name.startswith(_ASSETS):
                return await self._pages.find(name, headers, cache=_FOR_GOOD) or Reply(404)
            if name == _LICENCES:
                return await self._pages.find(name, headers) or Reply(404)
            # Whatever view the address stands for: the page sees to that.
            found = await self._pages.find("index.html", headers)
        except FileNotFoundError:
            return Reply(404, _ABSENT, HTML)
        return found or Reply(404, _ABSENT, HTML)
