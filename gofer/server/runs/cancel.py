"""Ending what has been started: the wish is stored first, so that it outlives Gofer, and then followed."""

from __future__ import annotations

from gofer.errors import Conflict, NotFound
from gofer.models.event import Kind
from gofer.models.status import Reason
from gofer.server.runs.context import Context
from gofer.server.runs.launch import Launcher
from gofer.server.store import pipelines, runs, task_runs
from gofer.server.store.database import Transaction
from gofer.server.store.runs import RunRow


def no_run(namespace: str, pipeline: str, number: int) -> NotFound:
    return NotFound(
        f'there is no run {number} of the pipeline "{pipeline}" in the namespace "{namespace}"',
        f"List its runs with: gofer run list {pipeline}.",
    )


def no_task_run(pipeline: str, run: int, task: str) -> NotFound:
    return NotFound(f'run {run} has no task run "{task}"', f"List them with: gofer taskrun list {pipeline} {run}.")


class Canceller:
    """Cancels runs and task runs. Doing it again, or after the end, changes nothing."""

    def __init__(self, context: Context, launcher: Launcher) -> None:
        self._context = context
        self._launcher = launcher

    async def cancel(self, namespace: str, pipeline: str, number: int) -> None:
        """End a run. Raises NotFound."""
        row = await self._context.database.write(lambda tx: self._request(tx, namespace, pipeline, number))
        await self.follow(row.pipeline_key, row.key, Reason.CANCELLED_BY_USER)

    async def cancel_all(self, namespace: str, pipeline: str) -> list[int]:
        """End every run of a pipeline that has not ended; returns their numbers. Raises NotFound."""

        def work(tx: Transaction) -> tuple[int, list[runs.Unfinished]]:
            row = pipelines.get(tx.connection, namespace, pipeline)
            if row is None:
                raise NotFound(f'there is no pipeline "{pipeline}" in the namespace "{namespace}"')
            open_runs = runs.unfinished_of_pipeline(tx.connection, row.key)
            for run in open_runs:
                self._request(tx, namespace, pipeline, run.number)
            return row.key, open_runs

        pipeline_key, open_runs = await self._context.database.write(work)
        # The youngest first, so that ending one does not admit another that is to end too.
        for run in reversed(open_runs):
            await self.follow(pipeline_key, run.key, Reason.CANCELLED_BY_USER)
        return [run.number for run in open_runs]

    async def cancel_task(self, namespace: str, pipeline: str, number: int, task: str) -> None:
        """End one task run. Raises NotFound, or Conflict when its run has not begun."""

        def work(tx: Transaction) -> tuple[int, bool]:
            row = runs.get(tx.connection, namespace, pipeline, number)
            if row is None:
                raise no_run(namespace, pipeline, number)
            found = task_runs.get(tx.connection, row.key, task)
            if found is None:
                raise no_task_run(pipeline, number, task)
            if not found.status.ended and row.run.started_at is None:
                raise Conflict(
                    f"run {number} has not begun", f"Cancel the whole run: gofer run cancel {pipeline} {number}."
                )
            at = self._context.clock.now()
            fresh = not found.status.ended and task_runs.request_cancel(tx, row.key, found.position, at)
            if fresh:
                tx.emit(
                    Kind.TASKRUN_CANCELLING,
                    at,
                    namespace=namespace,
                    pipeline=pipeline,
                    run=number,
                    run_key=row.key,
                    task=task,
                )
            return row.key, fresh

        key, fresh = await self._context.database.write(work)
        supervisor = self._launcher.find(key)
        if fresh and supervisor is not None:
            state = supervisor.run.task(task)
            if state is not None:
                await supervisor.cancel_task(state)

    async def follow(self, pipeline_key: int, key: int, reason: Reason) -> None:
        """Do what the store says: the wish to end this run is on disk."""
        supervisor = self._launcher.find(key)
        if supervisor is not None:
            if not supervisor.run.cancelling:
                await supervisor.cancel(reason)
            return
        ticket = self._launcher.queue.withdraw(pipeline_key, key)
        if ticket is not None:
            self._launcher.queue.take_over(ticket._replace(cancelling=reason))

    def _request(self, tx: Transaction, namespace: str, pipeline: str, number: int) -> RunRow:
        row = runs.get(tx.connection, namespace, pipeline, number)
        if row is None:
            raise no_run(namespace, pipeline, number)
        at = self._context.clock.now()
        if runs.request_cancel(tx, row.key, at, Reason.CANCELLED_BY_USER):
            tx.emit(Kind.RUN_CANCELLING, at, namespace=namespace, pipeline=pipeline, run=number, run_key=row.key)
        return row
