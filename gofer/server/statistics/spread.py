"""How long things took, without keeping each of them."""

from __future__ import annotations

from collections import Counter
from math import ceil, log2

_PER_DOUBLING = 8


class Spread:
    """Counts durations in classes of which each is 9 % wider than the one before: what it tells is within 5 %."""

    __slots__ = ("_classes", "_zeros")

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._zeros = 0

    def add(self, milliseconds: int) -> None:
        """One more. What took no time, or by a clock that was set back less than none, took none."""
        if milliseconds < 1:
            self._zeros += 1
        else:
            self._classes[round(log2(milliseconds) * _PER_DOUBLING)] += 1

    def merge(self, other: Spread) -> None:
        """Take what another has counted."""
        self._zeros += other._zeros
        self._classes.update(other._classes)

    def quantile(self, part: float) -> int | None:
        """So many milliseconds at most took `part` (0 to 1) of them; None if there are none."""
        total = self._zeros + self._classes.total()
        if total == 0:
            return None
        wanted = max(1, ceil(total * part)) - self._zeros
        if wanted <= 0:
            return 0
        found = 0
        for number, count in sorted(self._classes.items()):
            found = number
            wanted -= count
            if wanted <= 0:
                break
        return round(2 ** (found / _PER_DOUBLING))
