"""Taking a content in: hashed and measured on its way into the store, in constant memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

from gofer.engines.object_store.base import PIECE, Content, Upload

# Shorter than this is hashed sooner than a thread would begin with it.
_AT_ONCE = 16 * 1024


async def receive(chunks: AsyncIterator[bytes], upload: Upload, check: Callable[[int], None]) -> Content:
    """Write all chunks, of any size, to `upload`; what has arrived. `check` is told the size so far, and raises where
    it is too much."""
    hasher = hashlib.sha256()
    waiting = bytearray()
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        check(size)
        waiting += chunk
        while len(waiting) >= PIECE:
            piece = bytes(memoryview(waiting)[:PIECE])
            del waiting[:PIECE]
            await _take(hasher, upload, piece)
    if waiting:
        await _take(hasher, upload, bytes(waiting))
    return Content(hasher.hexdigest(), size)


async def _take(hasher: hashlib._Hash, upload: Upload, piece: bytes) -> None:
    if len(piece) < _AT_ONCE:
        hasher.update(piece)
        await upload.write(piece)
        return
    await asyncio.gather(asyncio.to_thread(hasher.update, piece), upload.write(piece))
