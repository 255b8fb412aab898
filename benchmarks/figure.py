"""One measured figure, and small statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """`floor`, `wanted` and `measured` are text for the table; `met` says whether `measured` reaches `wanted`."""

    name: str
    floor: str
    wanted: str
    measured: str
    met: bool
    note: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value; of two middle ones the lower."""
    return percentile(values, 0.5)


def ms(seconds: float) -> str:
    """For people."""
    return f"{seconds * 1000:.1f} ms"
