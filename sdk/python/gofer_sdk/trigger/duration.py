"""Lengths of time as people write them, such as `1m30s`."""

from __future__ import annotations

import re
from typing import Self

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_TEN_YEARS = 10 * 365 * 86_400_000
_HINT = 'Write a number and a unit, largest first, such as "90s", "1m30s" or "7d"; the units are ms, s, m, h and d.'


class Duration(int):
    """A length of time: an integer that counts milliseconds, made of a number or of a text such as `1m30s`.

    Raises ValueError for a text that is none. The grammar is that of all durations in Gofer.
    """

    def __new__(cls, value: int | str = 0) -> Self:
        return super().__new__(cls, _milliseconds(value) if isinstance(value, str) else value)

    @property
    def seconds(self) -> float:
        """The same in seconds, as `asyncio.sleep` wants it."""
        return self / 1000

    def __str__(self) -> str:
        """The shortest text that makes the same duration, such as `1m30s`."""
        left, text = abs(int(self)), ""
        for unit, length in _UNITS.items():
            count, left = divmod(left, length)
            text += f"{count}{unit}" if count else ""
        return ("-" if self < 0 else "") + (text or "0s")

    __repr__ = __str__


def _milliseconds(text: str) -> int:
    position, total, last = 0, 0.0, float("inf")
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or _UNITS[match[2]] >= last:
            break
        last = _UNITS[match[2]]
        total += float(match[1]) * last
        position = match.end()
    if not text or len(text) > 32 or position != len(text):
        raise ValueError(f'"{text[:40]}" is not a duration. {_HINT}')
    if total > _TEN_YEARS:
        raise ValueError(f'"{text[:40]}" is longer than ten years.')
    return round(total)
