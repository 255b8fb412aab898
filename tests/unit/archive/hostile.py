"""Tar archives made by hand, block by block, as no honest program would make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from gofer.archive.entry import Entry, encoded
from gofer.archive.tar import BLOCK, END, padding
from gofer.archive.tar_stream import read_tar
from gofer.archive.tree import LeftOut, Limits, Tree, checked

LIMITS = Limits(10_000_000, 1_000)
GNU = b"ustar  \0"
POSIX = b"ustar\x0000"


def header(
    name: str | bytes,
    flag: bytes = b"0",
    *,
    size: int | bytes = 0,
    mode: int | bytes = 0o644,
    target: str | bytes = b"",
    magic: bytes = POSIX,
    prefix: bytes = b"",
    at: bytes = b"00000000000\0",
    checksum: bytes | None = None,
) -> bytes:
    """One block. Numbers may be given as the very bytes of their fields."""
    fields = (
        _raw(name).ljust(100, b"\0"),
        mode if isinstance(mode, bytes) else b"%07o\0" % mode,
        b"0000000\0" * 2,
        size if isinstance(size, bytes) else b"%011o\0" % size,
        at,
        b" " * 8,
        flag,
        _raw(target).ljust(100, b"\0"),
        magic,
        bytes(64) + b"0000000\0" * 2,
        prefix.ljust(155, b"\0"),
        bytes(12),
    )
    block = b"".join(fields)
    assert len(block) == BLOCK
    return block[:148] + (checksum or b"%06o\0 " % sum(block)) + block[156:]


def content(data: bytes) -> bytes:
    """The bytes of a file, filled up."""
    return data + bytes(padding(len(data)))


def file(name: str | bytes, data: bytes = b"", **fields: object) -> bytes:
    return header(name, size=len(data), **fields) + content(data)  # type: ignore[arg-type]


def pax(records: bytes, flag: bytes = b"x") -> bytes:
    return header("PaxHeaders/x", flag, size=len(records)) + content(records)


def record(key: str, value: str | bytes) -> bytes:
    rest = key.encode() + b"=" + _raw(value) + b"\n"
    length = len(rest) + 2
    while len(b"%d " % length) + len(rest) != length:
        length += 1
    return b"%d " % length + rest


def gnu_long(flag: bytes, name: bytes) -> bytes:
    return header("././@LongLink", flag, size=len(name) + 1, magic=GNU) + content(name + b"\0")


def unpacked(
    data: bytes | Sequence[bytes],
    limits: Limits = LIMITS,
    left_out: LeftOut | None = None,
    *,
    end: bytes = END,
    step: int = 1 << 20,
) -> list[tuple[Entry, bytes]]:
    """What comes of an archive when it is read and checked; `end` is added to it. Read `step` bytes at a time."""
    whole = (data if isinstance(data, bytes) else b"".join(data)) + end
    return asyncio.run(_unpacked(whole, limits, left_out, step))


def names(data: bytes | Sequence[bytes], limits: Limits = LIMITS, left_out: LeftOut | None = None) -> list[str]:
    return [entry.name for entry, _ in unpacked(data, limits, left_out)]


async def pieces(data: bytes, step: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), step):
        yield data[at : at + step]


async def _unpacked(whole: bytes, limits: Limits, left_out: LeftOut | None, step: int) -> list[tuple[Entry, bytes]]:
    found = []
    async for entry, chunks in checked(read_tar(pieces(whole, step)), Tree(limits), left_out):
        found.append((entry, b"".join([chunk async for chunk in chunks])))
    return found


def _raw(text: str | bytes) -> bytes:
    return encoded(text) if isinstance(text, str) else text


def joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)
