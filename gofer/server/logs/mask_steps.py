"""The side file of a masked log: which byte of the source stands at which place of the log.

The log has `***` where the source had something longer. For each such place there is an entry, written before the
records that go on behind it; an entry whose records were never written counts for nothing. So whatever happens to the
process, the log's own length says with which byte of the source to go on. Where nothing was hidden there is no file.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gofer.server.logs.mask import HIDDEN, Step

SUFFIX = ".masked"

_BODY = struct.Struct("<QQQI")
_CHECK = struct.Struct("<I")
ENTRY = _BODY.size + _CHECK.size
_AT_ONCE = 4096 * ENTRY


class Entry(NamedTuple):
    """A step of one stream, `STDOUT` or `STDERR`."""

    stream: int
    step: Step


def append(path: Path, entries: Sequence[Entry]) -> None:
    """Put entries at the end; what a failed call left there is cut off. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        if size % ENTRY:
            os.ftruncate(fd, size - size % ENTRY)
        rest = memoryview(b"".join(map(_pack, entries)))
        while rest:
            rest = rest[os.write(fd, rest) :]
    finally:
        os.close(fd)


def last_steps(path: Path, ends: tuple[int, int]) -> tuple[Step, Step]:
    """For each stream the last step at or before the byte of it with which the log ends. Raises OSError.

    Where the log ends within a `***`, that counts as whole: the rest of it will not come.
    """
    found: list[Step | None] = [None, None]
    behind: list[Step | None] = [None, None]
    for stream, step in _backwards(path):
        if found[stream] is not None:
            continue
        if step.out <= ends[stream]:
            found[stream] = step
            if None not in found:
                break
        else:
            behind[stream] = step
    return _settled(found[0], behind[0], ends[0]), _settled(found[1], behind[1], ends[1])


def _settled(step: Step | None, behind: Step | None, end: int) -> Step:
    if behind is not None and behind.out - len(HIDDEN) < end:
        return behind._replace(out=end)
    return step or Step()


def _backwards(path: Path) -> Iterator[Entry]:
    """The whole entries, last first."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        end = os.fstat(file.fileno()).st_size // ENTRY * ENTRY
        while end:
            begin = max(0, end - _AT_ONCE)
            block = os.pread(file.fileno(), end - begin, begin)
            for place in range(len(block) - ENTRY, -1, -ENTRY):
                entry = _unpack(block[place : place + ENTRY])
                if entry is not None:
                    yield entry
            end = begin


def _pack(entry: Entry) -> bytes:
    body = _BODY.pack(*entry.step, entry.stream)
    return body + _CHECK.pack(zlib.crc32(body))


def _unpack(entry: bytes) -> Entry | None:
    """None if it is damaged."""
    if _CHECK.unpack_from(entry, _BODY.size)[0] != zlib.crc32(entry[: _BODY.size]):
        return None
    out, source, covered, stream = _BODY.unpack_from(entry)
    return Entry(stream, Step(out, source, covered)) if stream < 2 else None
