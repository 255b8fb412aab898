from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.archive.read import Check, read_archive
from gofer.archive.tar import BLOCK, Member, pack, padding
from gofer.archive.write import ArchiveWriter
from gofer.errors import InvalidArchive
from gofer.models.backup import FORMAT, PartName
from tests.unit.archive.making import HEAD, Keep, changed, check, make, reader

QUICK = settings(deadline=None, max_examples=200, derandomize=True)

LOGS = {f"logs/n/p/{run}/t/1.log": b"x" * run * 100 for run in range(1, 6)}
WHOLE = make(b"database" * 300, LOGS)


def refused(archive: bytes) -> str:
    with pytest.raises(InvalidArchive) as caught:
        check(archive)
    assert caught.value.hint
    return caught.value.message


def test_everything_that_was_written_is_read() -> None:
    keep = Keep()
    backup = read_archive(reader(WHOLE), keep)
    assert keep.head == backup.head == HEAD
    assert keep.files == {"gofer.db": b"database" * 300, **LOGS}
    assert [(part.name, part.files, part.size) for part in backup.parts] == [("gofer.db", 1, 2400), ("logs", 5, 1500)]
    assert backup.parts[0].sha256 == hashlib.sha256(b"database" * 300).hexdigest()
    assert backup.size == len(WHOLE)


def test_the_pieces_may_be_of_any_size() -> None:
    source = io.BytesIO(WHOLE)
    assert read_archive(lambda size: source.read(min(size, 7)), Keep()).size == len(WHOLE)


def test_other_programs_read_it_too(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(WHOLE)
    subprocess.run(["tar", "-C", tmp_path, "-xf", path], check=True)
    for name, data in LOGS.items():
        assert (tmp_path / name).read_bytes() == data
    assert (tmp_path / "gofer.db").stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["gofer-backup.json", "gofer.db", *LOGS, "gofer-backup-end.json"]


@QUICK
@given(st.integers(0, len(WHOLE) - 1))
def test_broken_off_anywhere(size: int) -> None:
    assert "breaks off" in refused(WHOLE[:size])


def test_broken_off_between_two_files() -> None:
    at = WHOLE.index(b"gofer-backup-end.json")
    assert f"breaks off after {at} bytes" in refused(WHOLE[:at])


@settings(QUICK, max_examples=2000)
@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_no_bit_may_be_another(bit: int) -> None:
    archive = bytearray(WHOLE)
    archive[bit // 8] ^= 1 << bit % 8
    refused(bytes(archive))


@QUICK
@given(st.data())
def test_blocks_that_are_missing_doubled_or_exchanged(data: st.DataObject) -> None:
    blocks = [WHOLE[at : at + BLOCK] for at in range(0, len(WHOLE), BLOCK)]
    one, two = data.draw(st.tuples(*[st.integers(0, len(blocks) - 1)] * 2).filter(lambda pair: pair[0] != pair[1]))
    kind = data.draw(st.sampled_from(["drop", "double", "exchange"]))
    if kind == "drop":
        del blocks[one]
    elif kind == "double":
        blocks.insert(two, blocks[one])
    else:
        blocks[one], blocks[two] = blocks[two], blocks[one]
    archive = b"".join(blocks)
    if archive != WHOLE:
        refused(archive)


@pytest.mark.parametrize("more", [b"\0", bytes(512), b"x", WHOLE])
def test_nothing_may_follow(more: bytes) -> None:
    assert "follows its end" in refused(WHOLE + more)


@pytest.mark.parametrize("archive", [b"x" * 2000, bytes(2000), b"\x1f\x8b" + b"x" * 2000, b"SQLite format 3\0" * 99])
def test_something_else_altogether(archive: bytes) -> None:
    assert refused(archive) == "This is no backup of Gofer."


def test_a_newer_format_whatever_else_it_says() -> None:
    text = msgspec.json.encode({"format": FORMAT + 1, "later": []})
    block = pack(Member("gofer-backup.json", len(text), 1)) + text + bytes(padding(len(text)))
    assert "newer Gofer" in refused(block + bytes(BLOCK))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"format": "x"}', b'{"format": 1}', b'{"format": 1, "x": "\xff"}', b'{"x": ' + b"[" * 60_000, b"[]"],
)
def test_a_head_that_cannot_be_read(text: bytes) -> None:
    block = pack(Member("gofer-backup.json", len(text), 1)) + text + bytes(padding(len(text)))
    assert "what it says of itself cannot be read" in refused(block + bytes(BLOCK))


def test_a_head_without_end_is_not_held_in_memory() -> None:
    def endless(size: int) -> bytes:
        return b" " * size

    first = io.BytesIO(pack(Member("gofer-backup.json", 2**60, 1)))
    with pytest.raises(InvalidArchive, match="too long"):
        read_archive(lambda size: first.read(size) or endless(size), Keep())


def test_a_file_of_no_part() -> None:
    assert "none of its parts" in refused(make(files={"else/where": b"x"}))


def test_parts_out_of_their_order() -> None:
    writer = ArchiveWriter(HEAD)
    pieces = [*writer.begin()]
    for number, name in ((1, "logs/n/p/1/t/1.log"), (0, "gofer.db")):
        writer.part(number)
        pieces += writer.file(name, io.BytesIO(b"x"), 1)
    assert "none of its parts" in refused(b"".join([*pieces, *writer.end()]))


def test_a_file_that_shrinks_while_it_is_read_is_no_archive() -> None:
    writer = ArchiveWriter(changed(parts=[PartName(name="gofer.db", kind="sqlite")]))
    list(writer.begin())
    writer.part(0)
    with pytest.raises(OSError, match="became shorter"):
        list(writer.file("gofer.db", io.BytesIO(b"x"), 2))


class Zeros(io.RawIOBase):
    """A file as long as it is asked for."""

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def test_what_is_large_costs_no_memory() -> None:
    size = 64 * 1024 * 1024
    writer = ArchiveWriter(changed(parts=[PartName(name="gofer.db", kind="sqlite")]))

    def pieces() -> Iterator[bytes]:
        yield from writer.begin()
        writer.part(0)
        yield from writer.file("gofer.db", Zeros(), size)
        yield from writer.end()

    source, held = pieces(), b""

    def read(count: int) -> bytes:
        nonlocal held
        held = held or next(source, b"")
        given, held = held[:count], held[count:]
        return given

    tracemalloc.start()
    try:
        assert read_archive(read, Check()).parts[0].size == size
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
