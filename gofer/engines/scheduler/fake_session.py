"""`exec` of the fake engine: `cat`, or the words of a container's command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from gofer.engines.scheduler.base import Chunk, Exit
from gofer.engines.scheduler.fake_container import FakeContainer
from gofer.models.log import Stream


class FakeSession:
    """See `base.Session`. Ends with the container that it is in."""

    def __init__(self, outer: FakeContainer, inner: FakeContainer, *, echoes: bool, terminal: bool) -> None:
        self._outer = outer
        self._inner = inner
        self._echoes = echoes
        self._terminal = terminal
        self.size: tuple[int, int] | None = None

    async def output(self) -> AsyncIterator[Chunk]:
        """See `base.Session.output`."""
        position = 0
        while True:
            while position < len(self._inner.output):
                piece = self._inner.output[position]
                position += 1
                stream: Stream = "stdout" if self._terminal else piece.stream
                for block in piece.whole():
                    yield Chunk(stream, block, time.time_ns())
                    await asyncio.sleep(0)
            if await self._over():
                return

    async def write(self, data: bytes) -> None:
        """See `base.Session.write`."""
        if self._echoes and not self._inner.over:
            self._inner.print(data)

    async def close_input(self) -> None:
        """See `base.Session.close_input`."""
        if self._echoes:
            self._inner.finish(Exit(0))

    async def resize(self, columns: int, rows: int) -> None:
        """See `base.Session.resize`."""
        self.size = (columns, rows)

    async def exit_code(self) -> int:
        """See `base.Session.exit_code`."""
        while not await self._over():
            pass
        return 0 if self._inner.end is None else self._inner.end.exit_code

    async def close(self) -> None:
        """See `base.Session.close`."""
        self._inner.kill()

    async def _over(self) -> bool:
        """Waits for something to happen; whether it was the end."""
        if self._outer.over:
            self._inner.kill()
        if self._inner.over:
            return True
        waits = {self._inner.changed(), self._outer.changed()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for wait in done:
            wait.result()
        return False
