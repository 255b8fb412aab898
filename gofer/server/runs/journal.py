"""What a run records, in the order in which it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gofer.server.store.database import Database, Transaction

Step = Callable[[Transaction], None]


class Journal:
    """Writes the steps of one run: never out of order, those that wait together in one transaction.

    A fault of the store is waited out, so what is returned from has been stored.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Step] = []
        self._added = 0
        self._written = 0
        self._lock = asyncio.Lock()
        self._flush: asyncio.Task[None] | None = None

    def add(self, *steps: Step) -> None:
        """Put steps in line, to be written with the next `record`."""
        self._waiting.extend(steps)
        self._added += len(steps)

    def post(self, *steps: Step) -> None:
        """Write steps without waiting for them: in order, with or before the next `record`."""
        self.add(*steps)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self.record(), name="journal")

    async def record(self, *steps: Step) -> None:
        """Write these steps and all before them; returns when they are on disk."""
        self.add(*steps)
        mine = self._added
        async with self._lock:
            if self._written < mine:
                await self._write()

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
