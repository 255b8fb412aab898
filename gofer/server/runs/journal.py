"""What a run records, in the order in which it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gofer.server.store.database import Database, Transaction

Step = Callable[[Transaction], None]


class Journal:
    """Writes the steps of one run: never out of order, each once, those that wait together in one transaction.

    A fault of the store is waited out, so what is returned from has been stored. Who waits may be cancelled: what is
    being written is written all the same.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Step] = []
        self._added = 0
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    def add(self, *steps: Step) -> None:
        """Put steps in line, to be written with the next `record`."""
        self._waiting.extend(steps)
        self._added += len(steps)

    def post(self, *steps: Step) -> None:
        """Write steps without waiting for them: in order, and soon."""
        self.add(*steps)
        self._write_soon()

    async def record(self, *steps: Step) -> None:
        """Write these steps and all before them; returns when they are on disk. Raises what a step raises."""
        self.add(*steps)
        mine = self._added
        while self._written < mine:
            await asyncio.shield(self._write_soon())

    async def close(self) -> None:
        """Give up what has not been written: only for a run that this process lets go of. Idempotent."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    def _write_soon(self) -> asyncio.Task[None]:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="journal")
        return self._writing

    async def _write(self) -> None:
        steps, self._waiting = self._waiting, []

        def work(tx: Transaction) -> None:
            for step in steps:
                step(tx)

        try:
            await self._database.write_patiently(work)
        except BaseException:
            self._waiting[:0] = steps
            raise
        self._written += len(steps)
        if self._waiting:
            self._writing = asyncio.create_task(self._write(), name="journal")
