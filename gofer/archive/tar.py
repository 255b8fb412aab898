"""Headers of a tar file: the `ustar` format of POSIX.1-1988, regular files only.

Python's own tarfile takes much more than that (links, devices, sparse files, headers of any length). What restores a
backup should understand nothing but what a backup has.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BLOCK = 512
"""Headers are as long as this, and contents are filled up with zeros to a multiple of it."""

END = bytes(2 * BLOCK)
"""What stands behind the last file."""

_LARGEST_OCTAL = 8**11 - 1
_NAME, _PREFIX = 100, 155
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")


class Member(NamedTuple):
    """One file. `name`: `/` between its parts, none of which begins with a dot; `size` in bytes; `at` in seconds."""

    name: str
    size: int
    at: int


def padding(size: int) -> int:
    """How many zeros follow `size` bytes of content."""
    return -size % BLOCK


def pack(member: Member) -> bytes:
    """The header. Raises ValueError for a name that a backup cannot have."""
    prefix, name = _split(member.name)
    block = b"".join(
        (
            name.ljust(_NAME, b"\0"),
            b"0000600\0" + b"0000000\0" + b"0000000\0",
            _number(member.size),
            _number(member.at),
            b" " * 8,
            b"0",
            bytes(100),
            b"ustar\x0000",
            bytes(32 + 32),
            b"0000000\0" * 2,
            prefix.ljust(_PREFIX, b"\0"),
            bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def unpack(block: bytes) -> Member:
    """What `pack` made. Raises ValueError for every other block, were it a valid header of something else."""
    name = _text(block[345:500]) + "/" if block[345] else ""
    member = Member(name + _text(block[:100]), _value(block[124:136]), _value(block[136:148]))
    if pack(member) != block:
        raise ValueError("it is no header of a plain file")
    return member


def _split(name: str) -> tuple[bytes, bytes]:
    """The two fields that hold a name: what goes in front, as little as possible, and the rest."""
    if not _PLAIN.match(name):
        raise ValueError(f"{name!r} cannot be a name in a backup")
    encoded = name.encode("ascii")
    if len(encoded) <= _NAME:
        return b"", encoded
    cut = encoded.find(b"/", len(encoded) - _NAME - 1)
    if not 0 < cut <= _PREFIX:
        raise ValueError(f"the name {name!r} is too long")
    return encoded[:cut], encoded[cut + 1 :]


def _number(value: int) -> bytes:
    """Eleven octal digits, or for what is larger (from 8 GiB on) the binary form that GNU tar began with."""
    if value <= _LARGEST_OCTAL:
        return b"%011o\0" % value
    return b"\x80" + value.to_bytes(11, "big")


def _value(field: bytes) -> int:
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return int(field.rstrip(b"\0"), 8)


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii")
