"""Expiry: objects of a run go after so many further runs of its pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.expiry import PAUSE, Expiry
from gofer.server.objects.collect import Collector
from gofer.server.objects.tally import Tally
from gofer.server.store import objects as rows
from gofer.server.store.database import Database, Transaction

_BATCH = 500


class ObjectExpiry(Expiry[int]):
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
        pause: float = PAUSE,
    ) -> None:
        super().__init__("objects", keep, pause)
        self._database = database
        self._clock = clock
        self._collector = collector
        self._tally = tally
        self._reached = reached

    async def _pipelines(self) -> Sequence[int]:
        return await self._database.read(partial(rows.pipelines_with_expirable, keep=self._keep))

    async def _expire(self, pipeline: int) -> None:
        while self._keep > 0:
            gone = await self._database.write(partial(self._step, pipeline_key=pipeline))
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
