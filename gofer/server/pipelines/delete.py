"""Deleting a pipeline with everything it has."""

from __future__ import annotations

from functools import partial

from gofer.errors import Conflict
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.server.clock import Clock
from gofer.server.pipelines.holds import require_deletable
from gofer.server.pipelines.subscriptions import remove_all
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import objects, pipelines, runs
from gofer.server.store.database import Database, Transaction
from gofer.server.store.pipelines import PipelineRow

_OBJECTS_A_STEP = 1_000


class Deleter:
    """Deletes in steps that each are short, so that a long history holds up nobody else's writes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def delete(self, namespace: str, pipeline: str) -> None:
        """Raises NotFound, or Conflict while a run has not ended, or something of the pipeline is frozen.

        A pipeline with a long history is disabled first and loses its oldest runs step by step; if that is cut short
        it stays, disabled, and may be deleted again.
        """
        key = await self._database.write(partial(self._step, namespace=namespace, pipeline=pipeline, known=None))
        while key is not None:
            key = await self._database.write(partial(self._step, namespace=namespace, pipeline=pipeline, known=key))

    def _step(self, tx: Transaction, namespace: str, pipeline: str, known: int | None) -> int | None:
        """One step; the pipeline's key if there is more to do. `known` is what the step before returned."""
        at = self._clock.now()
        if known is not None and pipelines.by_key(tx, known) is None:
            return None  # somebody else deleted it in between; one of the same name may exist by now
        row = require_pipeline(tx, namespace, pipeline)
        require_deletable(tx, row)
        unfinished = runs.unfinished_of_pipeline(tx.connection, row.key)
        if unfinished:
            hint = f"Wait for them, or end them with: gofer run cancel-all {pipeline}."
            count = "1 run that has" if len(unfinished) == 1 else f"{len(unfinished)} runs that have"
            raise Conflict(f"The pipeline {shown(pipeline)} has {count} not ended", hint)
        # Objects before the runs that they belong to: a run may have any number.
        if objects.delete_some(tx, row.key, _OBJECTS_A_STEP) < _OBJECTS_A_STEP:
            pipelines.delete_some_runs(tx, row.key)
        if self._has_more(tx, row):
            if row.enabled:
                pipelines.set_enabled(tx, row.key, False, at)
                data = {"reason": "being deleted"}
                tx.emit(Kind.PIPELINE_DISABLED, at, namespace=namespace, pipeline=pipeline, data=data)
            return row.key
        remove_all(tx, row, at)
        pipelines.delete(tx, row.key)
        tx.emit(Kind.PIPELINE_DELETED, at, namespace=namespace, pipeline=pipeline)
        return None

    def _has_more(self, tx: Transaction, row: PipelineRow) -> bool:
        more_runs = runs.list_of_pipeline(tx.connection, row.namespace, row.id, None, runs.LAST, 1)
        return bool(more_runs) or objects.any_of(tx, row.key)
