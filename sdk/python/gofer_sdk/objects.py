"""Objects of a pipeline or a run: `Client.pipeline_objects` and `Client.run_objects` make these."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

from gofer_sdk.connection import CHUNK, Body, ClientError, Connection

Content = bytes | str | os.PathLike[str] | BinaryIO
"""What can be put: bytes; a text, as UTF-8; the path of a file; what can be read from, opened in binary mode."""

_BYTES, _TEXT = "application/octet-stream", "text/plain; charset=utf-8"


class Object(NamedTuple):
    """What is known of an object. `run` is None at pipeline level; `size` in bytes; `sha256` in hexadecimal; times in
    milliseconds since the Unix epoch; `created_by` may be empty."""

    namespace: str
    pipeline: str
    run: int | None
    key: str
    size: int
    sha256: str
    content_type: str
    created_at: int
    modified_at: int
    created_by: str


class Objects:
    """The objects of one pipeline, or of one run. Contents are streamed; every method raises ClientError."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = f"{path}/objects"

    def put(self, key: str, content: Content, *, content_type: str = "", force: bool = False) -> Object:
        """Store an object. One that has the same content already is success.

        Raises ClientError with status 409 if it has another; `force` overwrites that. What is stored is compared with
        what was sent, by SHA-256. OSError for a file that cannot be opened.
        """
        if isinstance(content, str):
            return self._put(key, content.encode(), None, content_type or _TEXT, force)
        if isinstance(content, os.PathLike):
            with Path(content).open("rb") as file:
                found = os.fstat(file.fileno())
                # Of a pipe nothing is known before its end.
                size = found.st_size if stat.S_ISREG(found.st_mode) else None
                return self._put(key, file, size, content_type or _BYTES, force)
        if isinstance(content, bytes | bytearray | memoryview):
            return self._put(key, bytes(content), None, content_type or _BYTES, force)
        if not hasattr(content, "read"):
            raise TypeError(f"an object is bytes, a text, a path or a file, not {type(content).__name__}")
        return self._put(key, content, None, content_type or _BYTES, force)

    def _put(self, key: str, content: bytes | BinaryIO, size: int | None, content_type: str, force: bool) -> Object:
        outgoing = _Outgoing(content, size)
        if isinstance(content, bytes):
            size = len(content)
        body = Body(outgoing.chunks, size, content_type, again=size is not None)
        path = self._one(key) + ("?force=true" if force else "")
        found = _object(self._connection.answer("PUT", path, body))
        if found.sha256 != outgoing.digest.hexdigest():
            raise ClientError(f'The object "{key}" was stored otherwise than it was sent.', "Put it again, with force.")
        return found

    def get(self, key: str) -> bytes:
        """The content of an object, verified."""
        return b"".join(self.chunks(key))

    def text(self, key: str) -> str:
        """The content of an object as UTF-8. Raises UnicodeDecodeError too."""
        return self.get(key).decode()

    def chunks(self, key: str) -> Iterator[bytes]:
        """The content piece by piece. Raises ClientError at its end if it is not what was stored."""
        digest = hashlib.sha256()
        with self._connection.stream(self._one(key)) as (response, pieces):
            expected = (response.headers.get("ETag") or "").strip('"')
            for piece in pieces:
                digest.update(piece)
                yield piece
        if digest.hexdigest() != expected:
            raise ClientError(f'The content of the object "{key}" came damaged or not whole.', "Get it again.")

    def download(self, key: str, path: str | os.PathLike[str]) -> None:
        """The content as a file, which is there whole and verified or not at all; one that was there is replaced."""
        target = Path(path)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in self.chunks(key):
                    file.write(piece)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def info(self, key: str) -> Object:
        """What is known of an object. Raises ClientError with status 404 if there is none."""
        return _object(self._connection.json("GET", f"{self._one(key)}/info"))

    def exists(self, key: str) -> bool:
        """Whether there is an object of that key."""
        try:
            self.info(key)
        except ClientError as error:
            if error.status == 404:
                return False
            raise
        return True

    def list(self) -> Iterator[Object]:
        """All objects, by key."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._connection.json("GET", self._path + (f"?cursor={quote(cursor, safe='')}" if cursor else ""))
            yield from map(_object, page["items"])
            cursor = page.get("next")

    def delete(self, key: str) -> None:
        """Delete an object. Raises ClientError with status 404 if there is none."""
        self._connection.answer("DELETE", self._one(key))

    def _one(self, key: str) -> str:
        return f"{self._path}/{quote(key, safe='')}"


def _object(found: Mapping[str, Any]) -> Object:
    """Newer servers may tell more."""
    return Object(**{name: found.get(name) for name in Object._fields})  # type: ignore[arg-type]


class _Outgoing:
    """What is sent, and the digest of what went out the last time."""

    def __init__(self, content: bytes | BinaryIO, size: int | None) -> None:
        self._content = content
        self._size = size
        self.digest = hashlib.sha256()

    def chunks(self) -> Iterator[bytes]:
        """All of it, from its beginning where it is known to have one."""
        self.digest = hashlib.sha256()
        if isinstance(self._content, bytes):
            self.digest.update(self._content)
            yield self._content
            return
        if self._size is not None:
            self._content.seek(0)
        sent = 0
        while piece := self._read(self._content, sent):
            self.digest.update(piece)
            sent += len(piece)
            yield piece
        if self._size is not None and sent < self._size:
            raise ClientError(f"The file became shorter while it was sent: {sent} bytes of {self._size}.")

    def _read(self, file: BinaryIO, sent: int) -> bytes:
        try:
            # What is added to a file meanwhile does not belong to it.
            return file.read(CHUNK if self._size is None else min(CHUNK, self._size - sent))
        except OSError as error:
            raise ClientError(f"What was to be sent cannot be read: {error.strerror or error}.") from error
