"""Telling the queue which pipelines are paused, whoever has paused or resumed them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from gofer.errors import Unavailable
from gofer.models.event import Event, Kind
from gofer.server.runs.queue import Queue
from gofer.server.store import holds
from gofer.server.store.database import Database

_KINDS = frozenset({Kind.HOLD_SET, Kind.HOLD_LIFTED, Kind.PIPELINE_DELETED})


class PausedPipelines:
    """The store knows them; each time it is read anew as a whole, so that no order of changes can leave a pipeline
    paused that is not, or the other way round."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue
        self._one = asyncio.Lock()
        self._changed = asyncio.Event()

    async def load(self) -> None:
        """Learn what the store says. Call before any run is started or goes on."""
        async with self._one:
            self._queue.pause(await self._database.read(holds.paused_pipelines))

    def committed(self, events: Sequence[Event]) -> None:
        """To be called with the events of each commit."""
        if any(event.kind in _KINDS for event in events):
            self._changed.set()

    async def settled(self) -> None:
        """Return when the queue goes by what is stored now; at the latest, by what `run` finds once the store answers
        again."""
        with suppress(Unavailable):
            await self.load()

    async def run(self) -> None:
        """Follow what is committed, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            async with self._one:
                # Through the writer, as that one waits a fault of the store out.
                self._queue.pause(await self._database.write_patiently(holds.paused_pipelines))
