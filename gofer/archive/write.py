"""Writing an archive, piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

import msgspec

from gofer.archive import tar
from gofer.models.backup import End, Head, Part

HEAD_NAME = "gofer-backup.json"
END_NAME = "gofer-backup-end.json"
PIECE = 256 * 1024


class Readable(Protocol):
    """What gives bytes, as a file does."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""


class PartDigest:
    """Adds up what a part holds, for its writer and its reader alike."""

    def __init__(self, name: str, kind: str) -> None:
        self._name = name
        self._folder = kind == "folder"
        self._sha = hashlib.sha256()
        self._files = 0
        self._size = 0

    def begin(self, member: tar.Member) -> None:
        """A file of this part begins."""
        self._files += 1
        self._size += member.size
        if self._folder:
            self._sha.update(f"{member.name}\0{member.size}\0".encode())

    def add(self, data: bytes) -> None:
        """Bytes of the file that began last."""
        self._sha.update(data)

    def done(self) -> Part:
        """What was added up."""
        return Part(name=self._name, files=self._files, size=self._size, sha256=self._sha.hexdigest())


class ArchiveWriter:
    """Makes the pieces of one archive. Call `begin`, then for each part of the head `part` and its `file`s, then `end`.

    Nothing is kept of what was written but digests.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._at = head.created_at // 1000
        self._whole = hashlib.sha256()
        self._parts: list[PartDigest] = []

    def begin(self) -> Iterator[bytes]:
        """The file that says what follows."""
        return self._counted(self._small(HEAD_NAME, msgspec.json.encode(self._head)))

    def part(self, number: int) -> None:
        """The files of the head's part number `number` (from 0) follow."""
        wanted = self._head.parts[number]
        self._parts.append(PartDigest(wanted.name, wanted.kind))

    def file(self, name: str, content: Readable, size: int) -> Iterator[bytes]:
        """The first `size` bytes of `content` as a file of the present part. Raises OSError if there are fewer."""
        return self._counted(self._file(tar.Member(name, size, self._at), content))

    def end(self) -> Iterator[bytes]:
        """The file that proves that everything before it is whole."""
        end = End(parts=[part.done() for part in self._parts], sha256=self._whole.hexdigest())
        yield from self._small(END_NAME, msgspec.json.encode(end))
        yield tar.END

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._whole.update(piece)
            yield piece

    def _small(self, name: str, data: bytes) -> Iterator[bytes]:
        member = tar.Member(name, len(data), self._at)
        yield tar.pack(member) + data + bytes(tar.padding(len(data)))

    def _file(self, member: tar.Member, content: Readable) -> Iterator[bytes]:
        digest = self._parts[-1]
        digest.begin(member)
        yield tar.pack(member)
        left = member.size
        while left:
            piece = content.read(min(left, PIECE))
            if not piece:
                raise OSError(f"{member.name} became shorter while it was read")
            digest.add(piece)
            left -= len(piece)
            yield piece
        if tar.padding(member.size):
            yield bytes(tar.padding(member.size))
