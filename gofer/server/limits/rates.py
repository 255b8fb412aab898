"""How often something may happen in a second, by whom."""

from __future__ import annotations

from math import ceil

MOST_KEYS = 4096

# For so many seconds' worth at once nobody is refused: what comes in bursts is as good as what comes evenly.
_BURST = 2.0
# Whoever does not find room in the table shares one entry.
_ALL_OTHERS = ""


class Rates:
    """Counts by key. As the "generic cell rate algorithm" has it (ITU-T I.371): for each key stands when it will have
    paid for all that it has had."""

    def __init__(self) -> None:
        self._paid_at: dict[str, float] = {}

    def take(self, key: str, limit: int, now: float) -> int:
        """Counts one more for `key` at `now` (seconds of any clock that does not go back), where `limit` a second are
        allowed, and any number if that is 0. Returns 0; or, without counting it, after how many seconds there is room
        for one more (1 or more)."""
        if not limit:
            return 0
        key = self._place(key, now)
        paid_at = max(self._paid_at.get(key, now), now)
        ahead = paid_at + 1 / limit - now - _BURST
        if ahead > 0:
            return max(1, ceil(ahead))
        self._paid_at[key] = paid_at + 1 / limit
        return 0

    def _place(self, key: str, now: float) -> str:
        if key in self._paid_at or len(self._paid_at) < MOST_KEYS:
            return key
        self._paid_at = {one: paid_at for one, paid_at in self._paid_at.items() if paid_at > now}
        return key if len(self._paid_at) < MOST_KEYS else _ALL_OTHERS
