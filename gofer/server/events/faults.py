"""Records when the disk or the database was in trouble, and when that was over."""

from __future__ import annotations

import asyncio

from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.store.database import Database, Transaction


class FaultRecorder:
    """Makes events of the faults of the database, of the logs and of the object store. They are stored as soon as the
    database takes them again, with the time at which each began.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._log = get_logger("gofer")
        self._noticed: asyncio.Queue[tuple[Kind, int, dict[str, str]]] = asyncio.Queue()

    def of_store(self, problem: str) -> None:
        """To be set as the database's `on_fault`."""
        self._notice("database", problem)

    def of_logs(self, problem: str) -> None:
        """To be set as the logs' `on_fault`."""
        self._notice("logs", problem)

    def of_objects(self, problem: str) -> None:
        """To be told of the object store's faults."""
        self._notice("objects", problem)

    async def run(self) -> None:
        """Record what is noticed, for ever."""
        while True:
            kind, at, data = await self._noticed.get()

            def work(tx: Transaction, kind: Kind = kind, at: int = at, data: dict[str, str] = data) -> None:
                tx.emit(kind, at, data=data)

            await self._database.write_patiently(work)

    def _notice(self, part: str, problem: str) -> None:
        if problem:
            self._log.warning("store fault", part=part, problem=problem)
            self._noticed.put_nowait((Kind.STORE_FAULT, self._clock.now(), {"part": part, "problem": problem}))
        else:
            self._log.info("store works again", part=part)
            self._noticed.put_nowait((Kind.STORE_RECOVERED, self._clock.now(), {"part": part}))
