"""Waiting for something that has no event of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE = 60.0

T = TypeVar("T")


def until(look: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Look again and again, until there is something to see. `patience` in seconds."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {patience} s: {what}"
        time.sleep(0.05)


async def until_async(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """As `until`, in an event loop."""
    end = time.monotonic() + PATIENCE
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE:g} s")
        await asyncio.sleep(0.02)
