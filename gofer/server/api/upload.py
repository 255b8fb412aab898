"""Bodies that are read as they come, of any size."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import Receive

from gofer.errors import BadRequest
from gofer.models.ids import shown
from gofer.server.api.body import ClientGone
from gofer.server.api.endpoint import Upload
from gofer.server.api.problem import UnsupportedMediaType

UPLOAD: Final = "gofer.upload"
"""Stands in the `state` of a scope whose body may take as long as it likes, if only it goes on."""

_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]*={0,2}):\Z")


class RefusedUpload(Exception):
    """Raised for `error`. `unread`: more of the body may be coming in."""

    def __init__(self, error: Exception, *, unread: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.unread = unread


class Incoming:
    """A request's body. The client is asked for it (Expect: 100-continue) when the first chunk is."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    def upload(self, headers: list[tuple[bytes, bytes]]) -> Upload:
        """The body and what the headers say of it. Raises BadRequest or UnsupportedMediaType."""
        known = {name: value.decode("latin-1") for name, value in headers}
        if known.get(b"content-encoding", "identity").strip().lower() != "identity":
            raise UnsupportedMediaType(
                f"A body with the Content-Encoding {shown(known[b'content-encoding'])} cannot be kept as what it is.",
                "Send the bytes as they are; compressed ones as an object of their own, without Content-Encoding.",
            )
        if b"content-range" in known:
            raise BadRequest("A part of an object cannot be put.", "Send the whole of it, without Content-Range.")
        size = known.get(b"content-length")
        return Upload(
            self._chunks(),
            known.get(b"content-type"),
            None if size is None else int(size),
            _sha256(known.get(b"content-digest")),
        )

    async def _chunks(self) -> AsyncIterator[bytes]:
        while not self.complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            self.complete = not message.get("more_body", False)
            if body := message.get("body", b""):
                yield body


@contextmanager
def taking(incoming: Incoming) -> Iterator[Incoming]:
    """What the body of the context raises becomes a RefusedUpload, except for ClientGone."""
    try:
        yield incoming
    except ClientGone:
        raise
    except Exception as error:
        raise RefusedUpload(error, unread=not incoming.complete) from error


def _sha256(text: str | None) -> str | None:
    """The digest of a Content-Digest header (RFC 9530) in hexadecimal; those of other algorithms are not looked at."""
    for part in (text or "").split(","):
        part = part.strip()
        if not part.startswith("sha-256="):
            continue
        found = _DIGEST.match(part)
        try:
            digest = base64.b64decode(found[1], validate=True) if found else b""
        except binascii.Error:
            digest = b""
        if len(digest) != 32:
            raise BadRequest(
                f"{shown(part)} is not a Content-Digest.", "Write sha-256=:<the 32 bytes of the digest in base64>:."
            )
        return digest.hex()
    return None
