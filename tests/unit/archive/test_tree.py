"""Archives of random trees: as they were written, as Python's own tarfile sees them, as a file system gets them."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.archive.entry import Entry, Member, encoded, held
from gofer.archive.tar_stream import read_tar, write_tar
from gofer.archive.tree import Tree, checked
from gofer.errors import InvalidArchive
from tests.unit.archive.hostile import LIMITS, names, pieces

PARTS = st.one_of(
    st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12),
    st.binary(min_size=1, max_size=8)
    .filter(lambda raw: b"/" not in raw and b"\0" not in raw)
    .map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.just("x" * 200),
).filter(lambda part: part not in (".", ".."))


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[Entry, bytes]]:
    """Entries of a tree as they may be unpacked, folders first."""
    folders, taken = [""], {""}
    made: list[tuple[Entry, bytes]] = []
    for _ in range(draw(st.integers(0, 12))):
        name = (draw(st.sampled_from(folders)) + "/" + draw(PARTS)).removeprefix("/")
        if name in taken or len(encoded(name)) > 1_000:
            continue
        taken.add(name)
        kind = draw(st.sampled_from(["file", "file", "folder", "link", "hard_link"]))
        at = draw(st.integers(0, 2**34))
        files = [entry for entry, _ in made if entry.kind == "file"]
        if kind == "folder":
            folders.append(name)
            made.append((Entry(name, "folder", 0, draw(st.integers(0, 0o77)) | 0o700, at), b""))
        elif kind == "link":
            made.append((Entry(name, "link", 0, 0o777, at, draw(PARTS)), b""))
        elif kind == "hard_link" and files:
            target = draw(st.sampled_from(files))
            made.append((Entry(name, "hard_link", 0, target.mode, at, target.name), b""))
        else:
            data = draw(st.binary(max_size=40) | st.integers(500, 1_100).map(lambda size: b"z" * size))
            made.append((Entry(name, "file", len(data), draw(st.integers(0, 0o377)) | 0o400, at), data))
    return made


async def members(tree: list[tuple[Entry, bytes]]) -> AsyncIterator[Member]:
    for entry, data in tree:
        yield Member(entry, held(data))


async def packed(tree: list[tuple[Entry, bytes]], owner: tuple[int, int] = (0, 0)) -> bytes:
    return b"".join([piece async for piece in write_tar(members(tree), owner)])


@given(trees(), st.integers(1, 2_000))
def test_what_is_written_is_read(tree: list[tuple[Entry, bytes]], step: int) -> None:
    async def through() -> list[tuple[Entry, bytes]]:
        data = await packed(tree)
        found = []
        async for entry, chunks in checked(read_tar(pieces(data, step)), Tree(LIMITS)):
            found.append((entry, b"".join([chunk async for chunk in chunks])))
        return found

    found = asyncio.run(through())
    # Links lead to a name beside them here, so nothing of them was rewritten.
    assert found == [(entry._replace(at=min(entry.at, 8**11 - 1)), data) for entry, data in tree]


@given(trees())
def test_contents_that_nobody_reads_are_passed_over(tree: list[tuple[Entry, bytes]]) -> None:
    async def through() -> list[str]:
        return [entry.name async for entry, _ in read_tar(pieces(await packed(tree), 700))]

    assert asyncio.run(through()) == [entry.name for entry, _ in tree]


@given(trees(), st.sampled_from([(0, 0), (1000, 1000), (3_000_000, 2**31)]))
def test_python_reads_it_as_it_is(tree: list[tuple[Entry, bytes]], owner: tuple[int, int]) -> None:
    data = asyncio.run(packed(tree, owner))
    with tarfile.open(fileobj=io.BytesIO(data), errorlevel=2) as archive:
        found = archive.getmembers()
        assert [encoded(m.name) for m in found] == [encoded(entry.name) for entry, _ in tree]
        for member, (entry, expected) in zip(found, tree, strict=True):
            assert (member.mode, member.mtime, member.uid, member.gid) == (entry.mode, entry.at, *owner)
            if entry.kind == "file":
                assert archive.extractfile(member).read() == expected  # type: ignore[union-attr]
            elif entry.kind != "folder":
                assert encoded(member.linkname) == encoded(entry.target)


@given(trees(), st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_what_python_writes_is_read(tree: list[tuple[Entry, bytes]], how: Literal[0, 1, 2]) -> None:
    output = io.BytesIO()
    types = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard_link": tarfile.LNKTYPE}
    written = []
    with tarfile.open(fileobj=output, mode="w", format=how) as archive:
        for entry, data in tree:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname, info.size = types[entry.kind], entry.target, len(data)
            info.mode, info.mtime = entry.mode, min(entry.at, 8**11 - 1)
            try:
                info.tobuf(how)
            except ValueError:
                return  # too long for the oldest format
            archive.addfile(info, io.BytesIO(data))
            written.append((entry._replace(at=int(info.mtime)), data))

    async def through() -> list[tuple[Entry, bytes]]:
        found = []
        async for entry, chunks in checked(read_tar(pieces(output.getvalue(), 9_999)), Tree(LIMITS)):
            found.append((entry, b"".join([chunk async for chunk in chunks])))
        return found

    assert asyncio.run(through()) == written


@given(st.binary(max_size=2_000), st.integers(0, 2**32))
def test_noise_is_refused_and_never_more(noise: bytes, seed: int) -> None:
    """Whatever is done to an archive: it is read as one, or refused as it should be."""
    whole = bytearray(asyncio.run(packed([(Entry("d", "folder"), b""), (Entry("d/x", "file", 600), b"z" * 600)])))
    for i, byte in enumerate(noise[:40]):
        whole[(seed + i * 37) % len(whole)] = byte
    for data in (bytes(whole), noise, bytes(whole) + noise):
        try:
            names(data)
        except InvalidArchive:
            continue


@pytest.mark.parametrize("given_size", [3, 5])
async def test_a_content_of_another_size_is_no_archive(given_size: int) -> None:
    with pytest.raises(InvalidArchive, match="changed while it was read"):
        await packed([(Entry("x", "file", given_size), b"data")])


async def test_a_large_file_passes_in_small_pieces() -> None:
    largest = 0

    async def content() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield bytes(50_000)

    async def one() -> AsyncIterator[Member]:
        yield Member(Entry("x", "file", 400 * 50_000), content())

    async for _, chunks in read_tar(write_tar(one())):
        async for chunk in chunks:
            largest = max(largest, len(chunk))
    assert largest <= 50_000
