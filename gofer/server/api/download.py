"""Answers with bytes of a known size: the whole, a range of it, or that nothing has changed.

Conditions and ranges are those of RFC 9110 (sections 13 and 14), digests those of RFC 9530. A request for several
ranges at once is answered with the whole, as it may be.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator

from starlette.types import Scope

from gofer.server.api.endpoint import Download
from gofer.server.api.problem import RangeNotSatisfiable
from gofer.server.api.reply import Chunks, Reply

# Whatever a browser is made to do with it: nothing of it runs, and it belongs to no site.
POLICY = b"default-src 'none'; frame-ancestors 'none'; sandbox"

_RANGE = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*\Z")
_LARGEST = 18  # digits


async def reply_to(download: Download, scope: Scope) -> Reply:
    """The answer to a GET or HEAD. Raises RangeNotSatisfiable, and what the first piece raises."""
    asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
    etag = f'"{download.sha256}"'
    headers = [(b"etag", etag.encode()), (b"accept-ranges", b"bytes")]
    if _names(asked.get(b"if-none-match", ""), etag):
        return Reply(304, headers=headers, policy=POLICY)
    digest = f"sha-256=:{base64.b64encode(bytes.fromhex(download.sha256)).decode()}:".encode()
    headers.append((b"content-disposition", f'attachment; filename="{download.file_name}"'.encode()))
    headers.append((b"repr-digest", digest))
    head = scope["method"] == "HEAD"
    part = None
    if not head and asked.get(b"if-range", etag) == etag:
        part = _range(asked.get(b"range", ""), download.size)
    start, end = part or (0, download.size)
    if part is None:
        headers.append((b"content-digest", digest))
    else:
        headers.append((b"content-range", f"bytes {start}-{end - 1}/{download.size}".encode()))
    headers.append((b"content-length", str(end - start).encode()))
    rest = _nothing() if head or start == end else download.read(start, end)
    chunks = Chunks(await anext(rest, None), rest)
    content_type = download.content_type.encode()
    return Reply(200 if part is None else 206, b"", content_type, headers, policy=POLICY, chunks=chunks)


def _names(condition: str, etag: str) -> bool:
    """Whether an If-None-Match has the tag; weak ones count."""
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return etag in tags or tags == ["*"]


def _range(text: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None for the whole. Raises RangeNotSatisfiable."""
    found = _RANGE.match(text)
    if found is None or found[1] == found[2] == "" or max(len(found[1]), len(found[2])) > _LARGEST:
        return None
    if found[1] == "":
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), size
        if found[2]:
            if int(found[2]) < start:
                return None
            end = min(int(found[2]) + 1, size)
    if start >= size or start == end:
        raise RangeNotSatisfiable(size)
    return start, end


async def _nothing() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for piece in none:
        yield piece
