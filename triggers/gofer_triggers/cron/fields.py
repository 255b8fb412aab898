"""One field of a cron expression: what is allowed in it, and which values it names."""

from __future__ import annotations

import re
from typing import NamedTuple

_PART = re.compile(r"(\*|[A-Za-z]+|\d+)(?:-([A-Za-z]+|\d+))?(?:/(\d+))?\Z", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Kind(NamedTuple):
    """What a field may hold: values from `low` to `high`; `names` stand for `low`, `low` + 1 and so on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


class Field(NamedTuple):
    """The values of one field, as bits (bit n is set if n is meant), and whether it was written with `*` or a step."""

    bits: int
    star: bool
    step: bool


MINUTE = Kind("minute", 0, 59)
HOUR = Kind("hour", 0, 23)
DAY = Kind("day of month", 1, 31)
MONTH = Kind("month", 1, 12, _MONTHS)
# 7 is Sunday too, as in every cron since Vixie's.
WEEKDAY = Kind("day of week", 0, 7, _DAYS)
YEAR = Kind("year", 1970, 2199)


def parse(text: str, kind: Kind) -> Field:
    """The field that `text` says. Raises ValueError, with a sentence that names the field and what is allowed in it."""
    bits = 0
    for part in text.split(","):
        bits |= _part(part, kind)
    if kind is WEEKDAY and bits >> 7 & 1:
        bits = bits & 0x7F | 1
    return Field(bits, "*" in text, "/" in text)


def _part(text: str, kind: Kind) -> int:
    found = _PART.match(text)
    if found is None:
        raise ValueError(f'{kind.name}: "{text[:40]}" is not understood. {allowed(kind)}')
    first, last, step_text = found.groups()
    if first == "*":
        if last is not None:
            raise ValueError(f'{kind.name}: "{text[:40]}" is not understood. {allowed(kind)}')
        low, high = kind.low, kind.high - (kind is WEEKDAY)
    else:
        low = _value(first, kind)
        high = low if last is None and step_text is None else kind.high - (kind is WEEKDAY)
        if last is not None:
            high = _value(last, kind)
            # sat-sun: at the end of a range Sunday is 7
            high = 7 if kind is WEEKDAY and high == 0 and low > 0 else high
    if high < low:
        raise ValueError(
            f'{kind.name}: the range "{text[:40]}" runs backwards. Write two, such as '
            f"{low}-{kind.high},{kind.low}-{high}."
        )
    return sum(1 << value for value in range(low, high + 1, _step(step_text, kind)))


def _value(text: str, kind: Kind) -> int:
    name = text.lower()
    if name in kind.names:
        return kind.names.index(name) + kind.low
    if not text.isdecimal():
        raise ValueError(f'{kind.name}: "{text[:40]}" is not understood. {allowed(kind)}')
    # int() of a text with thousands of digits would fail in other words
    value = int(text[:9])
    if not kind.low <= value <= kind.high:
        raise ValueError(f"{kind.name}: {text[:40]} is not between {kind.low} and {kind.high}. {allowed(kind)}")
    return value


def _step(text: str | None, kind: Kind) -> int:
    if text is None:
        return 1
    step = int(text[:9])
    if not 1 <= step <= kind.high - kind.low:
        raise ValueError(f"{kind.name}: the step /{text[:40]} is not between 1 and {kind.high - kind.low}.")
    return step


def allowed(kind: Kind) -> str:
    """A sentence that says what may stand in a field."""
    names = f", names ({kind.names[0]} to {kind.names[-1]})" if kind.names else ""
    years = " The sixth field is the year: there are no seconds." if kind is YEAR else ""
    low = kind.low + (kind is YEAR) * 60
    return (
        f"Allowed are *, numbers from {kind.low} to {kind.high}{names}, ranges ({low}-{low + 2}), steps (*/2) and "
        f"lists of these ({low},{low + 2}); not ?, L, W or #.{years}"
    )
