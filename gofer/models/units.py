"""Durations and sizes as people write them."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?i?B?|)\Z", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}

DURATION_HINT = 'Write a number and a unit, largest first: "90s", "1m30s", "2h", "7d" (units: ms, s, m, h, d).'
SIZE_HINT = 'Write a number and a unit: "512MB" (decimal), "512MiB" (binary), "2GB".'


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `1m30s`, `500ms` or `7d`. Raises ValueError with a full sentence."""
    position, total, last = 0, 0.0, float("inf")
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or _MILLISECONDS[match[2]] >= last:
            break
        last = _MILLISECONDS[match[2]]
        total += float(match[1]) * last
        position = match.end()
    if not text or len(text) > 32 or position != len(text):
        raise ValueError(f'"{text[:40]}" is not a duration. {DURATION_HINT}')
    if total > 10 * 365 * 86_400_000:
        raise ValueError(f'"{text[:40]}" is longer than ten years.')
    return round(total)


def parse_size(text: str) -> int:
    """Bytes of a size such as `512MB` (powers of 1000) or `512MiB` (powers of 1024). Raises ValueError."""
    match = _SIZE.match(text) if len(text) <= 32 else None
    if match is None:
        raise ValueError(f'"{text[:40]}" is not a size. {SIZE_HINT}')
    unit = match[2].lower().removesuffix("b")
    base = 1024 if unit.endswith("i") else 1000
    if unit == "i":
        raise ValueError(f'"{text[:40]}" is not a size. {SIZE_HINT}')
    power = _POWERS[unit.removesuffix("i")]
    return round(float(match[1]) * pow(float(base), power))


def format_duration(milliseconds: int) -> str:
    """A short form for people: `250ms`, `4.2s`, `3m12s`, `2h05m`, `3d4h`."""
    if milliseconds < 1_000:
        return f"{max(milliseconds, 0)}ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f}s"
    seconds = milliseconds // 1000
    if seconds < 3_600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    if seconds < 86_400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"
    return f"{seconds // 86400}d{seconds % 86400 // 3600}h"


def format_size(size: int) -> str:
    """A short decimal form for people: `812B`, `4.2kB`, `1.3GB`."""
    if size < 1000:
        return f"{size}B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f}{unit}"
    return f"{value / 1000:.1f}PB"
