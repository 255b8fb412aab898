"""Dying on purpose, for the fault tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def crash_at(text: str) -> Callable[[str], None]:
    """What to call at each point of a run: kills this process the n-th time the point named by `point:n` is reached.

    Empty text: never. The variable that carries it is set by `tests/faults/` alone.
    """
    if not text:
        return lambda _: None
    wanted, _, count = text.partition(":")
    left = int(count or 1)

    def reached(point: str) -> None:
        nonlocal left
        if point == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return reached
