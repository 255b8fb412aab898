"""Files and folders on their way from one place to another, such as out of a container."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Literal, NamedTuple

Kind = Literal["file", "folder", "link", "hard_link", "special"]
"""`link`: a symbolic one. `special`: a device, named pipe or socket."""

LONGEST_NAME: Final = 4095
"""Bytes of a whole name: what Linux takes as a path."""

LONGEST_PART: Final = 255
"""Bytes of what stands between two slashes."""

DEEPEST: Final = 100
"""How many folders may lie within each other."""


class Entry(NamedTuple):
    """One of them. `name`: relative, its parts divided by `/`; what is not UTF-8 stands in it as lone surrogates.

    `size` in bytes, of a file only; `mode`: permission bits; `at`: last change, seconds since the epoch; `target`:
    where a link leads to, from its own folder, and of a hard link the name of the entry that it is the same file as.
    """

    name: str
    kind: Kind = "file"
    size: int = 0
    mode: int = 0o644
    at: int = 0
    target: str = ""


class Member(NamedTuple):
    """An entry with its bytes, which can be had once, and only before the next member is asked for."""

    entry: Entry
    content: AsyncIterator[bytes]


Members = AsyncIterator[Member]
"""A folder always comes before what is in it, unless it is left out altogether."""


def encoded(name: str) -> bytes:
    """The name as a file system has it."""
    return name.encode("utf-8", "surrogateescape")


def decoded(name: bytes) -> str:
    """The opposite of `encoded`."""
    return name.decode("utf-8", "surrogateescape")


def visible(name: str) -> str:
    """The name for a message: never with control characters, never long."""
    text = "".join(c if c.isprintable() else "?" for c in name)
    return f'"{text}"' if len(text) <= 100 else f'"{text[:60]}…{text[-30:]}"'


async def nothing() -> AsyncIterator[bytes]:
    """The content of what has none."""
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


async def held(data: bytes) -> AsyncIterator[bytes]:
    """A content that is in memory already."""
    if data:
        yield data
