"""Reading a tar archive from a stream, in constant memory, and writing one. What is in it is judged elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from gofer.archive.entry import Entry, Member, Members
from gofer.archive.tar import BLOCK, END, padding
from gofer.archive.tar_header import Header, damaged, described, pack, records, unpack
from gofer.errors import InvalidArchive

_LONGEST_EXTENSION: Final = 256 * 1024
# gzip, zstd, xz, bzip2
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"BZh")
_FORBIDDEN_FOR_ALL: Final = frozenset({"path", "linkpath", "size"})


async def read_tar(chunks: AsyncIterator[bytes]) -> AsyncIterator[Member]:
    """The members of an archive that comes in pieces of any size. Raises InvalidArchive for what is not one whole.

    Nothing may follow its end but zeros. What has been given of an archive that turns out to be damaged was not wrong.
    """
    feed = _Feed(chunks)
    first = True
    while True:
        entry = await _next_entry(feed, first=first)
        if entry is None:
            await feed.only_zeros()
            return
        first = False
        left = _Left(feed, entry.size)
        yield Member(entry, left.pieces())
        await left.skip()


async def write_tar(members: Members, owner: tuple[int, int] = (0, 0)) -> AsyncIterator[bytes]:
    """An archive of the members, in pieces. `owner`: user and group of them all. Raises what the members raise.

    A content that is not as long as its entry says ends with InvalidArchive.
    """
    async for entry, content in members:
        yield pack(entry, owner)
        left = entry.size if entry.kind == "file" else 0
        async for piece in content:
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left:
            raise damaged(f"{entry.name!r} changed while it was read")
        if fill := padding(entry.size if entry.kind == "file" else 0):
            yield bytes(fill)
    yield END


class _Feed:
    """A stream of bytes from which exact amounts are taken."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = memoryview(b"")

    async def exactly(self, size: int) -> bytes:
        """Raises InvalidArchive where the stream ends before."""
        if len(self._buffer) >= size:
            taken, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
            return taken
        pieces = [piece async for piece in self.pieces(size)]
        return b"".join(pieces)

    async def pieces(self, size: int) -> AsyncIterator[bytes]:
        """So many bytes, as they come."""
        while size:
            if not self._buffer and not await self._fill():
                raise damaged("it ends too soon")
            taken = self._buffer[:size]
            self._buffer = self._buffer[len(taken) :]
            size -= len(taken)
            yield bytes(taken)

    async def only_zeros(self) -> None:
        """Reads to the end. Raises InvalidArchive where something stands there."""
        while self._buffer or await self._fill():
            if any(self._buffer):
                raise damaged("something follows its end")
            self._buffer = memoryview(b"")

    async def at_end(self) -> bool:
        return not self._buffer and not await self._fill()

    async def _fill(self) -> bool:
        async for chunk in self._chunks:
            if chunk:
                self._buffer = memoryview(chunk)
                return True
        return False


class _Left:
    """What of one content has not been read yet."""

    def __init__(self, feed: _Feed, size: int) -> None:
        self._feed = feed
        self._size = size
        self._left = size

    async def pieces(self) -> AsyncIterator[bytes]:
        while self._left:
            async with aclosing(self._feed.pieces(self._left)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    self._left -= len(piece)
                    yield piece

    async def skip(self) -> None:
        """To the next header."""
        async for _ in self.pieces():
            pass
        await self._feed.exactly(padding(self._size))


async def _next_entry(feed: _Feed, *, first: bool) -> Entry | None:
    """The next one with all that stands before it; None at the end."""
    said: dict[str, bytes] = {}
    while True:
        if await feed.at_end():
            raise damaged("it is empty" if first else "it ends too soon")
        block = await feed.exactly(BLOCK) if not first else await _first_block(feed)
        if not any(block):
            if said:
                raise damaged("it ends too soon")
            return None
        header = unpack(block)
        if header.flag not in (b"x", b"g", b"L", b"K"):
            return described(header, said)
        first = False
        for key, value in (await _extension(feed, header)).items():
            if key in said:
                raise damaged("two extended headers say the same thing")
            said[key] = value


async def _first_block(feed: _Feed) -> bytes:
    start = await feed.exactly(8)
    if not start.startswith(_COMPRESSED):
        return start + await feed.exactly(BLOCK - 8)
    try:
        block = start + await feed.exactly(BLOCK - 8)
        unpack(block)
    except InvalidArchive:
        raise damaged("it is compressed, and must not be") from None
    # A file may be called like the start of a compressed one.
    return block


async def _extension(feed: _Feed, header: Header) -> dict[str, bytes]:
    """What a header that only speaks of the next one, or of all, says."""
    if header.size > _LONGEST_EXTENSION:
        raise damaged("an extended header is too long")
    data = await feed.exactly(header.size)
    await feed.exactly(padding(header.size))
    if header.flag in (b"L", b"K"):
        return {"path" if header.flag == b"L" else "linkpath": data.rstrip(b"\0")}
    found = records(data)
    if any(key.startswith("GNU.sparse.") for key in found):
        raise damaged("it holds a sparse file")
    if header.flag == b"g":
        if not _FORBIDDEN_FOR_ALL.isdisjoint(found):
            raise damaged("an extended header gives all entries the same name or size")
        return {}
    return {key: value for key, value in found.items() if key in ("path", "linkpath", "size", "mtime")}
