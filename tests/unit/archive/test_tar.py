from __future__ import annotations

import tarfile
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.archive.tar import BLOCK, Member, pack, padding, unpack

QUICK = settings(deadline=None, max_examples=200, derandomize=True)
LONGEST = "/".join(["logs", "n" * 64, "p" * 64, "9" * 18, "t" * 64, "9" * 18 + ".log"])

names = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True), min_size=1, max_size=4).map(
    "/".join
)
sizes = st.integers(0, 2**40)


@QUICK
@given(names, sizes, st.integers(0, 2**33))
def test_what_is_packed_is_unpacked(name: str, size: int, at: int) -> None:
    assert unpack(pack(Member(name, size, at))) == Member(name, size, at)


@QUICK
@given(names, sizes)
def test_pythons_tarfile_reads_the_same(name: str, size: int) -> None:
    info = tarfile.TarInfo.frombuf(pack(Member(name, size, 7)), "ascii", "strict")
    assert (info.name, info.size, info.mtime, info.mode, info.isreg()) == (name, size, 7, 0o600, True)


def test_the_longest_name_of_a_log_fits() -> None:
    assert unpack(pack(Member(LONGEST, 1, 1))).name == LONGEST


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.x", "a b", "ä", "a\n", "x" * 101, "a\0b"]
)
def test_names_that_no_backup_has(name: str) -> None:
    with pytest.raises(ValueError, match=r"name"):
        pack(Member(name, 1, 1))


@QUICK
@given(st.integers(0, BLOCK * 8 - 1))
def test_every_bit_of_a_header_counts(bit: int) -> None:
    block = bytearray(pack(Member("logs/n/p/1/t/1.log", 12345, 1_790_000_000)))
    block[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match=r"."):
        unpack(bytes(block))


@QUICK
@given(st.binary(min_size=BLOCK, max_size=BLOCK))
def test_noise_is_no_header(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(block)


@pytest.mark.parametrize(
    "change",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "gofer.db"},
        {"type": tarfile.CHRTYPE},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.GNUTYPE_SPARSE},
        {"name": "/absolute"},
        {"name": "a/../../b"},
        {"mode": 0o4755},
        {"uid": 5},
    ],
)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_valid_headers_of_other_things_are_refused(change: dict[str, object], form: Literal[0, 1, 2]) -> None:
    info = tarfile.TarInfo("logs/n/p/1/t/1.log")
    info.mode = 0o600
    for name, value in change.items():
        setattr(info, name, value)
    with pytest.raises(ValueError, match=r"."):
        unpack(info.tobuf(form)[:BLOCK])


def test_contents_are_filled_up() -> None:
    assert [padding(size) for size in (0, 1, 511, 512, 513)] == [0, 511, 1, 0, 511]
