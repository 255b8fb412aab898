"""Files of a packed archive as answers: with a tag, packed where that is taken, under the archive's own policy."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gofer.server.api.reply import Reply
from gofer.server.site.archive import Archive, Found

METHODS = ("GET", "HEAD", "OPTIONS")

HTML = b"text/html; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
TYPES = {
    "html": HTML,
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
    # Licences: to be read as they are.
    "md": _TEXT,
}

NO_CACHE = b"no-cache"
"""Kept, and asked for again each time whether it is still so."""


class Pages:
    """Answers with files of one archive."""

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)

    async def find(
        self, name: str, headers: dict[bytes, bytes], *, status: int = 200, cache: bytes = NO_CACHE
    ) -> Reply | None:
        """The file called `name`; None where the archive has none of that name. Raises FileNotFoundError without an
        archive."""
        gzip = _takes_gzip(headers.get(b"accept-encoding", b""))
        found = await asyncio.to_thread(self._archive.find, name, gzip=gzip)
        if found is None:
            return None
        known = headers.get(b"if-none-match", b"") if status == 200 else b""
        return self._file(status, name, found, known, cache)

    def has(self, name: str) -> bool:
        """Whether the archive last looked into has this file."""
        return self._archive.has(name)

    def _file(self, status: int, name: str, found: Found, known: bytes, cache: bytes) -> Reply:
        tag = f'"{found.tag}{"-gzip" if found.gzip else ""}"'.encode()
        headers = [(b"etag", tag), (b"vary", b"accept-encoding")]
        policy = self._archive.policy
        if _matches(known, tag):
            # With the policy: a browser takes the headers of this answer for those of the page that it has.
            return Reply(304, headers=headers, policy=policy, cache=cache)
        if found.gzip:
            headers.append((b"content-encoding", b"gzip"))
        kind = TYPES.get(name.rpartition(".")[2], b"application/octet-stream")
        return Reply(status, found.body, kind, headers, policy=policy, cache=cache)


def moved(status: int, to: str) -> Reply:
    """A redirect."""
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
