"""Expiry: of each pipeline the newest versions are kept, and those of older ones that something needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gofer.models.event import Event, Kind
from gofer.server.clock import Clock
from gofer.server.expiry import PAUSE, Expiry
from gofer.server.pipelines.delete_version import delete_version, used_by
from gofer.server.store import holds, pipelines, versions
from gofer.server.store.database import Database, Readable, Transaction
from gofer.server.store.holds import PIPELINE
from gofer.server.store.pipelines import PipelineRow

# More than the few that nothing but a deployment needs, so that these never fill a step.
_BATCH = 100

_FREES = {
    str(kind)
    for kind in (
        Kind.VERSION_REGISTERED,
        Kind.DEPLOYMENT_COMPLETED,
        Kind.DEPLOYMENT_ROLLED_BACK,
        Kind.DEPLOYMENT_ABORTED,
        Kind.HOLD_LIFTED,
    )
}


class VersionExpiry(Expiry[tuple[str, str]]):
    """Keeps the newest `keep` versions of each pipeline (0: all), and whatever `used_by` says is needed. A frozen
    pipeline keeps all, and a frozen version stays. `pause`: seconds for which changes are collected.
    """

    def __init__(self, database: Database, clock: Clock, keep: int, *, pause: float = PAUSE) -> None:
        super().__init__("versions", keep, pause)
        self._database = database
        self._clock = clock

    def committed(self, events: Sequence[Event]) -> None:
        """Look at the pipelines of which these events say that a version may have become superfluous."""
        for event in events:
            if event.kind in _FREES:
                self.notice((event.namespace, event.pipeline))

    async def _pipelines(self) -> Sequence[tuple[str, str]]:
        return await self._database.read(partial(versions.pipelines_with_more, keep=self._keep))

    async def _expire(self, pipeline: tuple[str, str]) -> None:
        # Most often there is nothing, and a look costs less than a transaction.
        while (keep := self._keep) > 0 and await self._database.read(partial(_any, pipeline=pipeline, keep=keep)):
            await self._database.write(partial(self._step, pipeline=pipeline, keep=keep))

    def _step(self, tx: Transaction, pipeline: tuple[str, str], keep: int) -> None:
        at = self._clock.now()
        found = _found(tx, pipeline, keep)
        if found is not None:
            row, numbers = found
            for number in numbers:
                delete_version(tx, row, number, at, "retention")


def _any(connection: Readable, pipeline: tuple[str, str], keep: int) -> bool:
    return _found(connection, pipeline, keep) is not None


def _found(connection: Readable, pipeline: tuple[str, str], keep: int) -> tuple[PipelineRow, list[int]] | None:
    """Which versions may go; None: none may."""
    row = pipelines.get(connection, *pipeline)
    if row is None or holds.get(connection, row.key, PIPELINE, "frozen"):
        return None
    outdated = versions.outdated(connection, row.key, keep, _BATCH)
    numbers = [number for number in outdated if not used_by(connection, row, number)[0]]
    return (row, numbers) if numbers else None
