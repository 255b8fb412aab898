"""Reading an archive in one go, and finding everything that may be wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from gofer.archive import tar
from gofer.archive.write import END_NAME, HEAD_NAME, PIECE, PartDigest
from gofer.errors import InvalidArchive
from gofer.models.backup import FORMAT, Backup, End, Head, PartName

T = TypeVar("T")

_LONGEST_NOTE = 64 * 1024


class Sink(Protocol):
    """Takes what is read. What it raises ends the reading."""

    def begin(self, head: Head) -> None:
        """What the archive says of itself; nothing is proved yet."""

    def file(self, part: PartName, member: tar.Member) -> Callable[[bytes], object]:
        """A file of a part begins; returns what takes its bytes."""


class Check:
    """A sink that only lets the archive be checked."""

    def begin(self, head: Head) -> None:
        """Nothing."""

    def file(self, part: PartName, member: tar.Member) -> Callable[[bytes], object]:
        """Nothing is kept."""
        return lambda _: None


def read_archive(read: Callable[[int], bytes], sink: Sink) -> Backup:
    """Read a whole archive in constant memory. `read(n)` gives at most `n` bytes, none at the end.

    Every byte is covered: by the digest at the end, or by what must stand there. Raises InvalidArchive for one that is
    no backup, newer than this program, damaged or broken off; the sink has been given a part of it then.
    """
    return _Reader(read, sink).run()


class _Reader:
    def __init__(self, read: Callable[[int], bytes], sink: Sink) -> None:
        self._read = read
        self._sink = sink
        self._whole = hashlib.sha256()
        self._size = 0

    def run(self) -> Backup:
        head = self._head()
        self._sink.begin(head)
        digests = [PartDigest(part.name, part.kind) for part in head.parts]
        at = 0
        while True:
            before = self._whole.hexdigest()
            member = self._member()
            if member.name == END_NAME:
                break
            while at < len(head.parts) and not _belongs(head.parts[at], member.name):
                at += 1
            if at == len(head.parts):
                raise _damaged(f'it holds "{member.name}", which is none of its parts')
            self._file(head.parts[at], member, digests[at])
        end = _decode(self._note(member), End)
        if end.parts != [digest.done() for digest in digests] or end.sha256 != before:
            raise _damaged("its contents are not those that were written")
        if self._exactly(len(tar.END)) != tar.END or self._read(1):
            raise _damaged("something else follows its end")
        return Backup(head=head, parts=end.parts, size=self._size)

    def _head(self) -> Head:
        block = self._exactly(tar.BLOCK)
        try:
            member = tar.unpack(block)
        except ValueError:
            member = tar.Member("", 0, 0)
        if member.name != HEAD_NAME:
            hint = "Give the file that `gofer service backup` wrote, unpacked if it was compressed."
            raise InvalidArchive("This is no backup of Gofer.", hint)
        text = self._note(member)
        # Newer formats may have other fields: first of all, ask for the number only.
        if _decode(text, _Format).format > FORMAT:
            raise InvalidArchive(
                "This backup was written by a newer Gofer than this one.", "Restore it with the Gofer that wrote it."
            )
        head = _decode(text, Head)
        if member.at != head.created_at // 1000:
            raise _damaged("its first header is not what was written")
        return head

    def _member(self) -> tar.Member:
        try:
            return tar.unpack(self._exactly(tar.BLOCK))
        except ValueError as error:
            raise _damaged(f"at byte {self._size - tar.BLOCK}: {error}") from None

    def _note(self, member: tar.Member) -> bytes:
        """The content of one of the two files that describe the archive."""
        if member.size > _LONGEST_NOTE:
            raise _damaged(f"{member.name} is too long")
        text = self._exactly(member.size)
        self._padding(member.size)
        return text

    def _file(self, part: PartName, member: tar.Member, digest: PartDigest) -> None:
        take = self._sink.file(part, member)
        digest.begin(member)
        left = member.size
        while left:
            piece = self._some(min(left, PIECE))
            digest.add(piece)
            take(piece)
            left -= len(piece)
        self._padding(member.size)

    def _padding(self, size: int) -> None:
        count = tar.padding(size)
        if self._exactly(count) != bytes(count):
            raise _damaged(f"at byte {self._size - count}: something stands between two files")

    def _exactly(self, size: int) -> bytes:
        held = bytearray()
        while len(held) < size:
            held += self._some(size - len(held))
        return bytes(held)

    def _some(self, size: int) -> bytes:
        piece = self._read(size)
        if not piece:
            raise InvalidArchive(
                f"The backup breaks off after {self._size} bytes: it is not whole.",
                "It was cut while it was made, copied or sent. Take it from where it is whole, or take an older one.",
            )
        self._whole.update(piece)
        self._size += len(piece)
        return piece


class _Format(msgspec.Struct):
    format: int


def _belongs(part: PartName, name: str) -> bool:
    return name.startswith(part.name + "/") if part.kind == "folder" else name == part.name


def _decode(text: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(f"what it says of itself cannot be read: {error}") from None


def _damaged(what: str) -> InvalidArchive:
    return InvalidArchive(
        f"The backup is damaged: {what}.", "Nothing of it was used. Take another copy of it, or an older backup."
    )
