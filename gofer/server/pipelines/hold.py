"""Pausing, freezing and deprecating, and ending that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gofer.errors import Conflict
from gofer.models.event import Kind
from gofer.models.hold import Hold, HoldKind, Lifted
from gofer.models.ids import shown
from gofer.server.clock import Clock
from gofer.server.pipelines.notes import require_notes
from gofer.server.pipelines.versions import require_version
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import deployments, holds
from gofer.server.store.database import Database, Transaction
from gofer.server.store.holds import PIPELINE
from gofer.server.store.pipelines import PipelineRow


class Holds:
    """One method for each use case. `version` None: of the pipeline as a whole. `applied` is awaited after a change: it
    returns when runs wait, or go on, accordingly. `reached` is
    told each point at which a crash is interesting.

    A pipeline that is frozen can be paused and deprecated all the same: that changes nothing of what it is.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        applied: Callable[[], Awaitable[None]],
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._applied = applied
        self._reached = reached

    async def put(
        self, namespace: str, pipeline: str, version: int | None, kind: HoldKind, reason: str, *, by: str = ""
    ) -> Hold:
        """Set a hold, in the place of one of the same kind; the same by the same again changes nothing.

        Raises NotFound; InvalidInput for a reason that cannot be kept; Conflict for a freeze of a pipeline that is
        being deployed, and for a pause of a version that runs get.
        """
        require_notes(reason, "reason")
        at = self._clock.now()

        def work(tx: Transaction) -> Hold:
            row = require_pipeline(tx, namespace, pipeline)
            number = _number(tx, row, version)
            before = holds.get(tx, row.key, number, kind)
            if before is not None and (before.reason, before.by) == (reason, by):
                return before
            _check(tx, row, number, kind)
            hold = Hold(kind=kind, reason=reason, at=at, by=by)
            holds.put(tx, row.key, number, hold)
            _tell(tx, Kind.HOLD_SET, at, row, number, {"hold": kind, "reason": reason}, by)
            self._reached("hold_written")
            return hold

        hold = await self._database.write(work)
        self._reached("hold_stored")
        await self._applied()
        return hold

    async def lift(self, namespace: str, pipeline: str, version: int | None, kind: HoldKind, *, by: str = "") -> Lifted:
        """End a hold; where there is none nothing changes. Raises NotFound for the pipeline or the version."""
        at = self._clock.now()

        def work(tx: Transaction) -> Lifted:
            row = require_pipeline(tx, namespace, pipeline)
            number = _number(tx, row, version)
            if not holds.delete(tx, row.key, number, kind):
                return Lifted(lifted=False)
            _tell(tx, Kind.HOLD_LIFTED, at, row, number, {"hold": kind}, by)
            self._reached("hold_written")
            return Lifted(lifted=True)

        lifted = await self._database.write(work)
        self._reached("hold_stored")
        await self._applied()
        return lifted


def _number(tx: Transaction, row: PipelineRow, version: int | None) -> int:
    if version is None:
        return PIPELINE
    require_version(tx, row, version)
    return version


def _check(tx: Transaction, row: PipelineRow, number: int, kind: HoldKind) -> None:
    """What a hold must never make: a live version that is no longer to be given to runs, a deployment that cannot end.
    So whoever starts runs, decides on deployments or ends them never meets either."""
    under_way = deployments.under_way(tx, row.key)
    if kind == "frozen" and number == PIPELINE and under_way is not None:
        raise Conflict(
            f"The pipeline {shown(row.id)} cannot be frozen while its deployment {under_way.number} of version "
            f"{under_way.to_version} is under way: what that decides would be a change",
            f"End it first: gofer pipeline promote {row.id}, or gofer pipeline abort {row.id}.",
        )
    if kind != "paused" or number == PIPELINE:
        return
    if under_way is not None and number in (under_way.from_version, under_way.to_version):
        raise Conflict(
            f"Version {number} of the pipeline {shown(row.id)} cannot be paused while the deployment "
            f"{under_way.number} gives it to runs",
            f"End that first: gofer pipeline abort {row.id}. To let all new runs wait: gofer pipeline pause {row.id}.",
        )
    if number == row.live_version:
        raise Conflict(
            f"Version {number} of the pipeline {shown(row.id)} cannot be paused while it is live: nothing could start "
            "a run",
            f"Let new runs wait with: gofer pipeline pause {row.id}; or go back first: gofer pipeline rollback "
            f"{row.id}.",
        )


def _tell(
    tx: Transaction, kind: Kind, at: int, row: PipelineRow, number: int, data: dict[str, object], by: str
) -> None:
    if number != PIPELINE:
        data["version"] = number
    if by:
        data["by"] = by
    tx.emit(kind, at, namespace=row.namespace, pipeline=row.id, data=data)
