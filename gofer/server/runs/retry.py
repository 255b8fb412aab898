"""Running an ended run again, whole or from what was not successful."""

from __future__ import annotations

from gofer.errors import Conflict
from gofer.models.run import Initiator, StartedRun
from gofer.models.status import Reason, RunStatus, TaskStatus
from gofer.server.runs.cancel import no_run
from gofer.server.runs.context import Context
from gofer.server.runs.plan import Plan
from gofer.server.runs.start import Also, Kept, Request, Starter
from gofer.server.store import runs, task_runs
from gofer.server.store.database import Transaction
from gofer.server.store.runs import RunRow
from gofer.server.store.task_runs import NewTaskRun


class Retrier:
    """Starts a new run with the version and the parameters of an old one."""

    def __init__(self, context: Context, starter: Starter) -> None:
        self._context = context
        self._starter = starter

    async def retry(
        self,
        namespace: str,
        pipeline: str,
        number: int,
        *,
        from_failed: bool,
        correlation_id: str = "",
        also: Also | None = None,
    ) -> StartedRun:
        """The new run. Raises NotFound, or Conflict when the old one has not ended or has nothing to run again."""
        row = await self._context.database.read(lambda c: runs.get(c, namespace, pipeline, number))
        if row is None:
            raise no_run(namespace, pipeline, number)
        _check(row, from_failed)

        def kept(tx: Transaction, plan: Plan) -> list[NewTaskRun]:
            return _taken_over(tx, plan, row)

        request = Request(
            namespace,
            pipeline,
            row.run.parameters,
            version=row.run.version,
            initiator=Initiator(kind="retry", name=str(number)),
            retry_of=number,
            kept=Kept(kept, row.key) if from_failed else None,
            pipeline_key=row.pipeline_key,
            variables=row.run.variables,
            correlation_id=correlation_id,
        )
        return await self._starter.start(request, also)


def _check(row: RunRow, from_failed: bool) -> None:
    number, status = row.run.id, row.run.status
    if not status.ended:
        raise Conflict(
            f"run {number} is still {status}", f"Wait for its end, or: gofer run cancel {row.run.pipeline} {number}."
        )
    if from_failed and status is RunStatus.SUCCESSFUL:
        raise Conflict(f"run {number} was successful: nothing failed in it", "Retry it whole, without --from-failed.")


def _taken_over(tx: Transaction, plan: Plan, row: RunRow) -> list[NewTaskRun]:
    """What was successful stays so; everything else is to run again."""
    new = []
    for old in task_runs.of_run(tx.connection, row.key):
        if old.status is TaskStatus.SUCCESSFUL:
            origin = old.detail if old.reason is Reason.KEPT else f"ran in run {row.run.id}"
            new.append(
                NewTaskRun(
                    old.position,
                    old.id,
                    old.allow_failure,
                    old.status,
                    Reason.KEPT,
                    origin,
                    old.exit_code,
                    old.ended_at,
                )
            )
        else:
            new.append(NewTaskRun(old.position, old.id, plan.tasks[old.position].node.task.allow_failure))
    return new
