"""How long to wait before what has failed is tried again."""

from __future__ import annotations

from collections.abc import Callable
from random import uniform

from gofer.server.triggers.times import Times


class Backoff:
    """Pauses that double from `times.pause` to `times.longest_pause`, each ± 20 %. Who was well for `times.well` has
    not failed before. `failures`: in a row."""

    def __init__(self, times: Times, jitter: Callable[[float, float], float] = uniform) -> None:
        self._times = times
        self._jitter = jitter
        self.failures = 0

    def next(self, well_for: float) -> float:
        """Seconds until the next try, after one that was well for so many seconds."""
        if well_for >= self._times.well:
            self.failures = 0
        pause = min(self._times.longest_pause, self._times.pause * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return pause * self._jitter(0.8, 1.2)

    def reset(self) -> None:
        """Somebody has changed something: what was before does not count."""
        self.failures = 0
