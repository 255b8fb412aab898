"""Moments and durations for people."""

from __future__ import annotations

import time

from gofer.models.units import format_duration

_DAY = 86_400_000


def clock(at: int | None) -> str:
    """`at` (ms since the epoch) as local time, `2031-04-05 06:07:08`; empty for None."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at / 1000))


def time_of_day(at: int) -> str:
    """`at` (ms since the epoch) as local `06:07:08`."""
    return time.strftime("%H:%M:%S", time.localtime(at / 1000))


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def ago(at: int | None) -> str:
    """How long ago `at` was, `3m12s ago`; the date where it is more than a month. Empty for None."""
    if at is None:
        return ""
    passed = now() - at
    if passed > 30 * _DAY:
        return clock(at)[:10]
    if passed < 60_000:
        return "now" if passed < 1000 else f"{passed // 1000}s ago"
    return f"{format_duration(passed)} ago"


def took(start: int | None, end: int | None) -> str:
    """From `start` to `end`, or until now where it has not ended; empty where it has not started."""
    return "" if start is None else format_duration((now() if end is None else end) - start)
