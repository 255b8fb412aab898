"""Counting what happens while the server runs."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gofer.errors import Unavailable
from gofer.models.event import Event, Kind
from gofer.models.statistics import Span, Statistics
from gofer.server.clock import Clock
from gofer.server.logs.logs import Logs
from gofer.server.statistics import history
from gofer.server.statistics.answer import answer
from gofer.server.statistics.steps import Sizes
from gofer.server.statistics.tables import Tables
from gofer.server.store import events, objects
from gofer.server.store.database import Database

_BETWEEN_MEASUREMENTS = 20.0


class Recorder:
    """Begins with what the store tells, then follows what is committed. `folder` is where the database is, `log_folder`
    where the logs are."""

    def __init__(self, database: Database, clock: Clock, logs: Logs, folder: Path, log_folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._logs = logs
        self._folder = folder
        self._log_folder = log_folder
        self._tables = Tables()
        self._runs_since = self._sizes_since = clock.now()
        self._is_loaded = False
        self._printed = 0
        # What is committed while the store is read is counted afterwards, as far as it is not in it.
        self._early: list[Event] = []

    def committed(self, told: Sequence[Event]) -> None:
        """To be called with the events of each commit."""
        if not self._is_loaded:
            self._early.extend(told)
            return
        for event in told:
            self._count(event)

    def statistics(self, span: Span) -> Statistics:
        """As of now."""
        return answer(self._tables, span, self._clock.now(), self._runs_since, self._sizes_since)

    async def run(self) -> None:
        """Learn what was, then measure now and then, for ever. Faults of the store are waited out."""
        while not self._is_loaded:
            try:
                await self.load()
            except Unavailable:
                await asyncio.sleep(1)
        while True:
            await self.measure()
            await asyncio.sleep(_BETWEEN_MEASUREMENTS)

    async def load(self) -> None:
        """Learn what was. Raises Unavailable."""
        found = await self._database.read(partial(history.read, now=self._clock.now()))
        self._tables, self._runs_since = found.tables, found.runs_since
        early, self._early, self._is_loaded = self._early, [], True
        for event in early:
            if event.seq > found.seq:
                self._count(event)

    async def measure(self) -> None:
        """Note how much room is taken now. Where that cannot be found out, nothing is noted."""
        try:
            kept, bytes_ = await self._database.read(_stored)
            store_bytes, free = await asyncio.to_thread(self._room)
        except (Unavailable, OSError):
            return
        printed, self._printed = self._logs.captured_bytes - self._printed, self._logs.captured_bytes
        self._tables.measured(self._clock.now(), Sizes(kept, store_bytes, bytes_, free), printed)

    def _room(self) -> tuple[int, int]:
        files = (self._folder / name for name in ("gofer.db", "gofer.db-wal"))
        free = min(shutil.disk_usage(folder).free for folder in (self._folder, self._log_folder) if folder.exists())
        return sum(file.stat().st_size for file in files if file.exists()), free

    def _count(self, event: Event) -> None:
        if event.run is None or not event.kind.startswith("run."):
            return
        run = (event.namespace, event.pipeline, event.run)
        if event.kind == Kind.RUN_QUEUED:
            self._tables.created(run, event.at)
        elif event.kind == Kind.RUN_STARTED:
            self._tables.started(run, event.at)
        elif event.kind == Kind.RUN_ENDED:
            self._tables.ended(run, event.at, str(event.data.get("status", "")))


def _stored(connection: sqlite3.Connection) -> tuple[int, int]:
    kept = events.last_seq(connection) + 1 - events.first_seq(connection)
    return kept, objects.totals(connection).content_bytes
