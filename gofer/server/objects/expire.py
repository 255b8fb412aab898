"""Expiry: objects of a run go after so many further runs of its pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from gofer.errors import Unavailable
from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.objects.collect import Collector
from gofer.server.objects.tally import Tally
from gofer.server.own_log import get_logger
from gofer.server.store import objects as rows
from gofer.server.store.database import Database, Transaction

_BATCH = 500
_PAUSE = 1.0
_RETRY = 5.0


class Expiry:
    """Objects of a run are there during `keep` further runs (0: during all), and go when one more was started and a run
    has ended; those of a run that has not ended stay. `pause`: seconds for which ends of runs are collected.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        collector: Collector,
        tally: Tally,
        reached: Callable[[str], None],
        keep: int,
        *,
        pause: float = _PAUSE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._collector = collector
        self._tally = tally
        self._reached = reached
        self._keep = keep
        self._pause = pause
        self._noticed: set[int] = set()
        self._all = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Catch up with everything, then expire what each `notice` makes old, until cancelled."""
        await self._patiently(self.expire_once)
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._pause)
            self._wake.clear()
            if self._all:
                self._all = False
                await self._patiently(self.expire_once)
            noticed, self._noticed = self._noticed, set()
            for key in sorted(noticed):
                await self._patiently(partial(self._expire, key))

    def set_keep(self, keep: int) -> None:
        """From now on; what is old by that goes soon."""
        self._keep = keep
        self._all = True
        self._wake.set()

    def notice(self, pipeline_key: int) -> None:
        """A run of this pipeline has ended."""
        if self._keep > 0:
            self._noticed.add(pipeline_key)
            self._wake.set()

    async def expire_once(self) -> None:
        """Expire everything that is old now. Raises Unavailable when the database is in trouble."""
        if self._keep > 0:
            for key in await self._database.read(partial(rows.pipelines_with_expirable, keep=self._keep)):
                await self._expire(key)

    async def _expire(self, pipeline_key: int) -> None:
        # Asked for each batch: a reload may change it, and 0 would make every run old.
        while self._keep > 0:
            gone = await self._database.write(partial(self._step, pipeline_key=pipeline_key))
            if gone:
                self._tally.expired += gone
                self._reached("objects_expired")
                self._collector.notice()
            if gone < _BATCH:
                return

    def _step(self, tx: Transaction, pipeline_key: int) -> int:
        """One transaction, with an event for each run; how many objects went."""
        found = rows.expire(tx, pipeline_key, self._keep, _BATCH)
        for run in found:
            tx.emit(
                Kind.OBJECTS_EXPIRED,
                self._clock.now(),
                namespace=run.namespace,
                pipeline=run.pipeline,
                run=run.run,
                run_key=run.run_key,
                data={"objects": run.objects, "bytes": run.bytes},
            )
        return sum(run.objects for run in found)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, again and again while the database is in trouble."""
        while True:
            try:
                return await work()
            except Unavailable as error:
                get_logger("gofer.objects").warning("expiry of objects waits", error=str(error))
            await asyncio.sleep(_RETRY)
