"""The time of day, as a trigger sees it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

_LONGEST_SLEEP = 1.0


class Clock(Protocol):
    """Times are milliseconds since the epoch. The one of `gofer_sdk.testing` is moved by hand."""

    def now(self) -> int:
        """What time it is."""
        ...

    async def until(self, at: int) -> None:
        """Wait for that time; at once if it is past."""
        ...


class SystemClock:
    """The machine's clock, also when somebody sets it or the machine has slept."""

    def now(self) -> int:
        """What time it is."""
        return time.time_ns() // 1_000_000

    async def until(self, at: int) -> None:
        """Wait for that time. It looks at the clock every second, as the clock may be set meanwhile."""
        while (left := at - self.now()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left / 1000, _LONGEST_SLEEP))
