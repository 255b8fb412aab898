"""The server's time."""

from __future__ import annotations

import time


class Clock:
    """Wall time that never steps back while the process lives, so that no end is stored before its beginning."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Milliseconds since the Unix epoch."""
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last

    def monotonic(self) -> float:
        """Seconds that only ever go forward, from an arbitrary origin."""
        return time.monotonic()
