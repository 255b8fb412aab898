"""The times of an interval: a function of the subscription alone, so that nothing has to be remembered."""

from __future__ import annotations

import hashlib


class IntervalTimes:
    """Every `every` milliseconds, so that `origin` (Unix milliseconds) is one of the times.

    There are times before `origin` too: a clock that was ahead when the subscription was made must not stop it.
    """

    def __init__(self, every: int, origin: int) -> None:
        self._every = every
        self._origin = origin

    def after(self, time: int) -> int | None:
        """The first time after `time` (both Unix milliseconds)."""
        return self._origin + ((time - self._origin) // self._every + 1) * self._every


def times(subscription: str, created_at: int, every: int, jitter: bool) -> IntervalTimes:
    """The times of a subscription that was made at `created_at` (Unix milliseconds).

    Without jitter the first is `every` milliseconds after that; with it somewhere before, by a hash of the
    subscription's id: many that were made together do not start together.
    """
    if not jitter:
        return IntervalTimes(every, created_at)
    digest = hashlib.sha256(subscription.encode()).digest()
    return IntervalTimes(every, created_at - int.from_bytes(digest[:8], "big") % every)
