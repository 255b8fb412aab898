"""Headers of tar archives as they are found in the world: `ustar` and `pax` (POSIX.1-2001), and GNU's long names.

https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "pax Interchange Format" and "ustar Interchange
Format"; https://www.gnu.org/software/tar/manual/html_node/Standard.html for GNU's own. Sparse files, which each of
them has in ways of its own, are refused.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gofer.archive.entry import Entry, Kind, decoded, encoded
from gofer.archive.tar import BLOCK, padding
from gofer.errors import InvalidArchive

_LARGEST_OCTAL: Final = 8**11 - 1
_LARGEST_ID: Final = 8**7 - 1
_NAME: Final = 100
_PREFIX: Final = slice(345, 500)
_CHECKSUM: Final = slice(148, 156)
_MAGIC: Final = slice(257, 265)
_USTAR: Final = b"ustar\x0000"
_LONGEST_NUMBER: Final = 20
_KINDS: Final[dict[bytes, Kind]] = {
    b"\0": "file", b"0": "file", b"1": "hard_link", b"2": "link", b"3": "special", b"4": "special", b"5": "folder",
    b"6": "special",
}  # fmt: skip
_FLAGS: Final[dict[Kind, bytes]] = {"file": b"0", "hard_link": b"1", "link": b"2", "folder": b"5"}


class Header(NamedTuple):
    """One block: what it says of an entry, of which `flag` tells the type as tar does."""

    flag: bytes
    name: bytes
    target: bytes
    size: int
    mode: int
    at: int


def pack(entry: Entry, owner: tuple[int, int] = (0, 0)) -> bytes:
    """The header, in as many blocks as it needs. `owner`: user and group. Raises ValueError for a special file."""
    if entry.kind == "special":
        raise ValueError(f"{entry.name!r} is neither a file nor a folder nor a link")
    name = encoded(entry.name) + (b"/" if entry.kind == "folder" else b"")
    target = encoded(entry.target)
    size = entry.size if entry.kind == "file" else 0
    at = max(0, entry.at)
    long = {
        b"path": name if len(name) > _NAME else b"",
        b"linkpath": target if len(target) > _NAME else b"",
        b"size": b"%d" % size if size > _LARGEST_OCTAL else b"",
        b"mtime": b"%d" % at if at > _LARGEST_OCTAL else b"",
        b"uid": b"%d" % owner[0] if owner[0] > _LARGEST_ID else b"",
        b"gid": b"%d" % owner[1] if owner[1] > _LARGEST_ID else b"",
    }
    records = b"".join(_record(key, value) for key, value in long.items() if value)
    block = _block(_FLAGS[entry.kind], name, target, size, entry.mode & 0o777, at, owner)
    if not records:
        return block
    before = _block(b"x", b"PaxHeaders/long", b"", len(records), 0o644, 0, (0, 0))
    return before + records + bytes(padding(len(records))) + block


def unpack(block: bytes) -> Header:
    """Read a block. Raises InvalidArchive where it is no header."""
    if not _is_sum(_number(block[_CHECKSUM]), block):
        raise damaged("there is no header where one must be")
    name = _text(block[:_NAME])
    # What GNU's own format has in that place is something else.
    if block[_MAGIC] == _USTAR and block[_PREFIX.start]:
        name = _text(block[_PREFIX]) + b"/" + name
    return Header(
        block[156:157], name, _text(block[157:257]), _number(block[124:136]), _number(block[100:108]),
        _number(block[136:148], clamp=True),
    )  # fmt: skip


def records(data: bytes) -> dict[str, bytes]:
    """The records of a pax header. Raises InvalidArchive for what is not made as they are, or said twice."""
    found: dict[str, bytes] = {}
    while data:
        length, space, _ = data[: _LONGEST_NUMBER + 1].partition(b" ")
        if not space or not length.isdigit():
            raise damaged("an extended header is malformed")
        end = int(length)
        record = data[len(length) + 1 : end]
        key, sign, value = record[:-1].partition(b"=")
        if end > len(data) or record[-1:] != b"\n" or not sign or not key:
            raise damaged("an extended header is malformed")
        word = decoded(key)
        if word in found:
            raise damaged("an extended header says the same thing twice")
        found[word] = value
        data = data[end:]
    return found


def described(header: Header, said: dict[str, bytes]) -> Entry:
    """The entry of a header with what stood in front of it. Raises InvalidArchive for a sparse file or unknown type."""
    if header.flag not in _KINDS:
        raise damaged("it holds an entry of a type that Gofer does not know, such as a sparse file")
    kind = _KINDS[header.flag]
    name, target = said.get("path", header.name), said.get("linkpath", header.target)
    size = _decimal(said["size"]) if "size" in said else header.size
    if kind == "file" and name.endswith(b"/") and size == 0:
        # How it was said before there was a type for it.
        kind = "folder"
    if kind not in ("file", "special") and size:
        raise damaged("it holds a folder or a link with a content")
    if b"\0" in name or b"\0" in target:
        raise damaged("it holds a name with a zero byte")
    if kind == "folder":
        name = name.rstrip(b"/")
    at = _seconds(said["mtime"]) if "mtime" in said else header.at
    return Entry(decoded(name), kind, size, header.mode & 0o777, at, decoded(target))


def damaged(message: str) -> InvalidArchive:
    """The error for an archive that is not as it should be."""
    return InvalidArchive(f"The archive cannot be used: {message}.", "Make it anew with `tar -cf`.")


def _block(
    flag: bytes, name: bytes, target: bytes, size: int, mode: int, at: int, owner: tuple[int, int]
) -> bytes:  # fmt: skip
    block = b"".join(
        (
            name[:_NAME].ljust(_NAME, b"\0"),
            b"%07o\0" % mode,
            *(b"%07o\0" % min(number, _LARGEST_ID) for number in owner),
            b"%011o\0" % min(size, _LARGEST_OCTAL),
            b"%011o\0" % min(at, _LARGEST_OCTAL),
            b" " * 8,
            flag,
            target[:_NAME].ljust(_NAME, b"\0"),
            _USTAR,
            bytes(64),
            b"0000000\0" * 2,
            bytes(BLOCK - 345),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _record(key: bytes, value: bytes) -> bytes:
    """`<length> <key>=<value>\\n`, where the length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _is_sum(found: int, block: bytes) -> bool:
    """The checksum as the standard has it, or as programs of old with signed bytes got it."""
    plain = block[: _CHECKSUM.start] + b" " * 8 + block[_CHECKSUM.stop :]
    # The second takes long, and is hardly ever needed.
    return found == sum(plain) or found == sum(byte - 256 if byte > 127 else byte for byte in plain)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, *, clamp: bool = False) -> int:
    """Octal digits, or the binary form that GNU began with. `clamp`: what is negative becomes 0."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        if field[0] & 0x40:
            if clamp:
                return 0
            raise damaged("it holds a negative number")
        return value
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise damaged("it holds a number that is none")
    return int(digits or b"0", 8)


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > _LONGEST_NUMBER:
        raise damaged("it holds a number that is none")
    return int(value)


def _seconds(value: bytes) -> int:
    whole = value.partition(b".")[0]
    if whole.startswith(b"-"):
        return 0
    return min(_decimal(whole), _LARGEST_OCTAL)
