"""Archives to read."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import msgspec

from gofer.archive.read import Check, read_archive
from gofer.archive.tar import Member
from gofer.archive.write import ArchiveWriter
from gofer.models.backup import Backup, Head, PartName

HEAD = Head(
    format=1,
    gofer="0.1.0",
    schema=1,
    server_id="0123abcd",
    created_at=1_790_000_000_123,
    logs=True,
    parts=[PartName(name="gofer.db", kind="sqlite"), PartName(name="logs", kind="folder")],
    expected_bytes=10_000,
)


def make(database: bytes = b"d" * 700, files: Mapping[str, bytes] | None = None, head: Head = HEAD) -> bytes:
    """A whole archive; `files` by the names that they have in it, those that are not in the first part."""
    writer = ArchiveWriter(head)
    pieces = [*writer.begin()]
    last = head.parts[-1].name
    others = {"logs/n/p/1/t/1.log": b"line\n"} if files is None else files
    for number, part in enumerate(head.parts):
        writer.part(number)
        if number == 0:
            pieces += writer.file("gofer.db", io.BytesIO(database), len(database))
            continue
        for name, data in others.items():
            first = name.partition("/")[0]
            if first == part.name or (part.name == last and first not in [each.name for each in head.parts]):
                pieces += writer.file(name, io.BytesIO(data), len(data))
    pieces += writer.end()
    return b"".join(pieces)


def changed(**fields: object) -> Head:
    """HEAD with other values."""
    return msgspec.structs.replace(HEAD, **fields)


def reader(archive: bytes) -> Callable[[int], bytes]:
    return io.BytesIO(archive).read


def check(archive: bytes) -> Backup:
    return read_archive(reader(archive), Check())


class Keep:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}

    def begin(self, head: Head) -> None:
        self.head = head

    def file(self, part: PartName, member: Member) -> Callable[[bytes], object]:
        return self.files.setdefault(member.name, bytearray()).extend
