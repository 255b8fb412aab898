"""One lock for each content that is being put or deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DigestLocks:
    """Made when somebody needs one, dropped when nobody does."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, digest: str) -> AsyncIterator[None]:
        """Nobody else holds the same digest while the body runs."""
        lock, users = self._locks.get(digest, (None, 0))
        lock = lock or asyncio.Lock()
        self._locks[digest] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            users = self._locks[digest][1] - 1
            if users:
                self._locks[digest] = lock, users
            else:
                del self._locks[digest]
