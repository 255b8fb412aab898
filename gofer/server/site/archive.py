"""Reads files out of the site's ZIP archive, as they are packed there.

Browsers take deflated bytes in a gzip frame (RFC 1952), which is what most files are sent in: nothing is unpacked,
neither to disk nor in memory, and nothing is packed twice.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LOCAL_HEAD = 30  # of a local file header in a ZIP archive, up to the name (APPNOTE.TXT, 4.3.7)


class Found(NamedTuple):
    """One file. `gzip`: `body` is packed so. `tag` names the content, whatever it is packed in."""

    body: bytes
    gzip: bool
    tag: str


class _Entry(NamedTuple):
    offset: int
    packed: int
    size: int
    crc: int
    deflated: bool


class Archive:
    """Answers from the file at `path`, also after it was replaced by another. All methods block, and shortly."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._entries: dict[str, _Entry] = {}
        self._policy = b""

    @property
    def policy(self) -> bytes:
        """The content security policy that the site was built for; known once something was looked for."""
        return self._policy

    def find(self, name: str, *, gzip: bool) -> Found | None:
        """The file called `name`; packed where that is wanted and it is. Raises OSError where there is no archive."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._look(descriptor)
            entry = self._entries.get(name)
            return None if entry is None else _read(descriptor, entry, gzip)
        finally:
            os.close(descriptor)

    def has(self, name: str) -> bool:
        """Whether the archive last looked into has this file."""
        return name in self._entries

    def _look(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp == self._stamp:
            return
        from zipfile import ZIP_DEFLATED, ZipFile

        with open(os.dup(descriptor), "rb") as file, ZipFile(file) as archive:  # noqa: PTH123
            self._entries = {
                one.filename: _Entry(
                    one.header_offset, one.compress_size, one.file_size, one.CRC, one.compress_type == ZIP_DEFLATED
                )
                for one in archive.infolist()
            }
            self._policy = archive.comment
        self._stamp = stamp


def _read(descriptor: int, entry: _Entry, gzip: bool) -> Found:
    head = os.pread(descriptor, _LOCAL_HEAD, entry.offset)
    name, extra = struct.unpack_from("<HH", head, 26)
    body = os.pread(descriptor, entry.packed, entry.offset + _LOCAL_HEAD + name + extra)
    tag = f"{entry.crc:08x}{entry.size:x}"
    if not entry.deflated:
        return Found(body, False, tag)
    if gzip:
        return Found(_GZIP_HEAD + body + struct.pack("<LL", entry.crc, entry.size), True, tag)
    return Found(zlib.decompress(body, -zlib.MAX_WBITS), False, tag)
