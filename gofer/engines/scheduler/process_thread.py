"""Work on open files in threads. What has begun is waited for even when the caller is cancelled.

Otherwise the caller would close a file that a thread still works on, and its number may already be another file's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """The result of `work()`, which takes milliseconds."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _over(task)
        raise


async def open_in_thread(work: Callable[[], int]) -> int:
    """The file descriptor that `work()` opens; closed if nobody is there to take it."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _over(task)
        if not task.cancelled() and task.exception() is None:
            os.close(task.result())
        raise


async def _over(task: asyncio.Future[T]) -> None:
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    if not task.cancelled():
        task.exception()
