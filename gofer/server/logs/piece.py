"""Records of a log file made into text that can be searched: whole lines, as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

from gofer.models.log import Stream
from gofer.server.logs.record import FULL, HEAD, HEADER, NEITHER, PART, STREAMS, damaged, kind

# Control sequences, operating system commands (titles, links), and the short ones.
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


class Place(NamedTuple):
    """A place between two records: `lines` begin before it; `open` as of a Mark."""

    offset: int = 0
    lines: int = 0
    open: int = NEITHER


START = Place()


class Piece(NamedTuple):
    """Some lines. `text` has one line for each of `numbers`, without escape sequences; `heads` the same lines' records,
    as far as their headers go. `after` is the place behind them."""

    text: bytes
    numbers: Sequence[int]
    heads: Sequence[bytes]
    after: Place


def whole_lines(block: bytes) -> bytes:
    """The records of `block` without a last line that may go on behind it; nothing, if it is that line alone."""
    end = len(block)
    tag = _last(block, end)
    if tag not in PART:
        return block
    while end and _last(block, end) == tag:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return block[:end]


def plain(block: bytes, here: Place, stream: int) -> Piece:
    """The lines of `block`, whole records that begin at `here`; `stream`: only its. Raises DamagedLog."""
    records = block.split(b"\n")
    records.pop()
    heads = [record[HEAD] for record in records]
    mine = len(records) if stream == NEITHER else heads.count(FULL[stream])
    if here.open == NEITHER and heads.count(FULL[0]) + heads.count(FULL[1]) == len(records):
        numbers: Sequence[int] = range(here.lines + 1, here.lines + len(records) + 1)
        after = Place(here.offset + len(block), here.lines + len(records))
        if mine < len(records):
            wanted = [head == FULL[stream] for head in heads]
            numbers, records = list(compress(numbers, wanted)), list(compress(records, wanted))
        return _piece([record[HEADER:] for record in records], numbers, records, after)
    return _joined(records, here, stream, len(block))


def _last(block: bytes, end: int) -> bytes:
    """What kind of record ends at `end`."""
    begin = block.rfind(b"\n", 0, end - 1) + 1
    return block[begin + HEAD.start : begin + HEAD.stop]


def _joined(records: Sequence[bytes], here: Place, stream: int, size: int) -> Piece:
    """As `plain`, record by record."""
    texts: list[bytes] = []
    numbers: list[int] = []
    heads: list[bytes] = []
    number, opened, at = here.lines, here.open, here.offset
    for record in records:
        found = kind(record)
        if found is None:
            raise damaged(at)
        at += len(record) + 1
        goes_on = opened == found[0] and found[1] != "N"
        opened = found[0] if found[1] == "P" else NEITHER
        if not goes_on:
            number += 1
        if stream not in (NEITHER, found[0]):
            continue
        if goes_on and numbers and numbers[-1] == number:
            texts[-1] += record[HEADER:]
        else:
            texts.append(record[HEADER:])
            numbers.append(number)
            heads.append(record)
    return _piece(texts, numbers, heads, Place(here.offset + size, number, opened))


def _piece(texts: list[bytes], numbers: Sequence[int], heads: Sequence[bytes], after: Place) -> Piece:
    text = b"\n".join(texts)
    return Piece(_ESCAPES.sub(b"", text) if b"\x1b" in text else text, numbers, heads, after)


def head(record: bytes) -> tuple[str, Stream]:
    """Time and name of the stream of a record."""
    return record[:30].decode("ascii", "replace"), STREAMS[int(record[31:37] == b"stderr")]
