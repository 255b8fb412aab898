"""Objects to and from the server: streams whose SHA-256 is compared with what the other side says."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gofer.client.address import Server
from gofer.client.answers import decode, unreachable
from gofer.client.http import Client, query_string
from gofer.client.plain_http import HTTPException
from gofer.client.upload import Body, upload
from gofer.errors import ClientError
from gofer.models.object import StoredObject
from gofer.models.units import format_size

if TYPE_CHECKING:
    from gofer.client.plain_http import HTTPResponse

_PIECE = 256 * 1024
# RFC 9530: a dictionary of structured fields, whose values are bytes in base64 between colons.
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
_ETAG = re.compile(r'(?:W/)?"([0-9a-f]{64})"\Z')


class Damaged(ClientError):
    """What arrived is not what was sent."""


def put_object(
    server: Server,
    path: str,
    body: Body,
    content_type: str,
    *,
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> StoredObject:
    """Make `body` the object at `path`; `force`: also in place of another.

    `progress` is told how many bytes are sent so far. Raises ClientError (409: there is another, and no `force`), or
    Damaged where the server has something else than was sent.
    """
    target = path + query_string({"force": True if force else None})
    sent = upload(server, target, body, {"Content-Type": content_type}, progress)
    kept = decode(sent.answer, StoredObject, server.address)
    if kept.sha256 != sent.digest:
        raise Damaged(
            f'the server keeps something else as "{kept.key}" than was sent: SHA-256 {kept.sha256}, not {sent.digest}',
            "Do not use it: put it again with --force, and have the server's memory and disk checked.",
        )
    return kept


class Download:
    """An object on its way here. Call `close` at the end."""

    def __init__(self, client: Client, response: HTTPResponse) -> None:
        self._client = client
        self._response = response

    @property
    def size(self) -> int | None:
        """In bytes; None where the server does not say."""
        length = self._response.headers.get("Content-Length", "")
        return int(length) if length.isdigit() else None

    @property
    def content_type(self) -> str:
        """As it was put; empty where the server does not say."""
        return self._response.headers.get("Content-Type", "")

    @property
    def digest(self) -> str:
        """The SHA-256 (hexadecimal) that the server says it has. Raises ClientError where it says none."""
        headers = self._response.headers
        found = _SHA256.search(headers.get("Content-Digest", ""))
        if found is not None:
            try:
                return b64decode(found[1], validate=True).hex()
            except binascii.Error:
                pass
        tag = _ETAG.match(headers.get("ETag", ""))
        if tag is None:
            raise ClientError(
                f"{self._client.address} does not say what the object's SHA-256 is, so that it cannot be checked",
                "Does a proxy between drop the headers Content-Digest and ETag?",
            )
        return tag[1]

    def pieces(self) -> Iterator[bytes]:
        """The bytes. Raises ClientError where they break off, or Damaged at the end where they are not the right ones:
        what was given until then is to be thrown away."""
        wanted, size = self.digest, self.size
        taken, digest = 0, hashlib.sha256()
        while piece := self._next(taken):
            taken += len(piece)
            digest.update(piece)
            yield piece
        if size is not None and taken != size:
            raise _broken(self._client, taken, size, "the connection was closed")
        if digest.hexdigest() != wanted:
            raise Damaged(
                f"what came is not what the server keeps: SHA-256 {digest.hexdigest()}, not {wanted}",
                "Get it again; `gofer service doctor` looks for what is wrong at the server.",
            )

    def close(self) -> None:
        """Give the connection up."""
        self._client.close()

    def _next(self, taken: int) -> bytes:
        try:
            return self._response.read1(_PIECE)
        except (OSError, HTTPException) as error:
            raise _broken(self._client, taken, self.size, unreachable(self._client.address, error).message) from None


def get_object(server: Server, path: str) -> Download:
    """Begin to fetch the object at `path`. Raises ClientError."""
    client = Client(server)
    try:
        return Download(client, client.response(path, {}))
    except BaseException:
        client.close()
        raise


def _broken(client: Client, taken: int, size: int | None, why: str) -> ClientError:
    of = "" if size is None else f" of {format_size(size)}"
    return ClientError(
        f"the object broke off after {format_size(taken)}{of}: {why}",
        "See that the server runs (`gofer service info`) and that your token is good (`gofer token whoami`), then get "
        "it again.",
    )
