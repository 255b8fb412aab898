"""Looks over the structure of a MessagePack message without making anything of it.

A decoder makes room for as many items as a message says that it has, and does so again in each list within: a few
kilobytes could cost gigabytes. So what does not fit is refused before. The format is that of the MessagePack
specification (github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

from typing import Final

from gofer_sdk.trigger.errors import ProtocolError

MAX_DEPTH: Final = 32

_FIXED: Final = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8} | {
    first + power: 2**power for first in (0xCC, 0xD0) for power in range(4)
}
_TEXTS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_LISTS: Final = {0xDC: 2, 0xDD: 4}
_MAPS: Final = {0xDE: 2, 0xDF: 4}


def check_structure(data: bytes) -> None:
    """Raises ProtocolError unless `data` is one whole value whose maps have texts as keys and lie 32 deep at most."""
    position, end = 0, len(data)
    # For each open list and map: how many values are still to come, and whether each second one is a key.
    open_: list[tuple[int, bool]] = []
    left, is_map = 1, False
    while True:
        while left == 0:
            if not open_:
                if position != end:
                    raise ProtocolError(f"What came goes on for {end - position:,} bytes after its end.")
                return
            left, is_map = open_.pop()
        if position >= end:
            raise _broken_off()
        tag = data[position]
        position += 1
        key = is_map and left % 2 == 0
        left -= 1
        size, count, is_text, is_inner_map = _one(data, position, tag)
        if key and not is_text:
            raise ProtocolError("The keys of a map are texts; this map has another.")
        position += size
        if position + count > end:
            raise _broken_off()
        if _opens(tag):
            open_.append((left, is_map))
            left, is_map = count, is_inner_map
            if len(open_) > MAX_DEPTH:
                raise ProtocolError(f"Maps and lists may lie {MAX_DEPTH} deep; these lie deeper.")


def _opens(tag: int) -> bool:
    return 0x80 <= tag <= 0x9F or 0xDC <= tag <= 0xDF


def _one(data: bytes, position: int, tag: int) -> tuple[int, int, bool, bool]:
    """Of the value whose tag ends at `position`: the bytes to skip, how many values are in it, whether it is a text,
    whether it is a map."""
    if tag <= 0x7F or tag >= 0xE0:
        return 0, 0, False, False
    if tag <= 0x8F:
        return 0, (tag & 0x0F) * 2, False, True
    if tag <= 0x9F:
        return 0, tag & 0x0F, False, False
    if tag <= 0xBF:
        return tag & 0x1F, 0, True, False
    if tag in _FIXED:
        return _FIXED[tag], 0, False, False
    width = _TEXTS.get(tag) or _BYTES.get(tag) or _LISTS.get(tag) or _MAPS.get(tag)
    if width is None:
        raise ProtocolError(f"What came has a type of value that frames do not have (0x{tag:02x}).")
    if position + width > len(data):
        raise _broken_off()
    length = int.from_bytes(data[position : position + width], "big")
    if tag in _LISTS:
        return width, length, False, False
    if tag in _MAPS:
        return width, length * 2, False, True
    return width + length, 0, tag in _TEXTS, False


def _broken_off() -> ProtocolError:
    return ProtocolError("What came breaks off, or says that it is longer than it is.")
