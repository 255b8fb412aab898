"""One run, from its admission to its end."""

from __future__ import annotations

import asyncio
from functools import partial

from gofer.models.event import Kind
from gofer.models.status import Reason, RunStatus, TaskStatus
from gofer.models.units import format_duration
from gofer.server.deployments.after_run import after_run
from gofer.server.own_log import get_logger, says_debug
from gofer.server.runs.active import ActiveRun, TaskState
from gofer.server.runs.attempt import Outcome
from gofer.server.runs.conditions import Conditions
from gofer.server.runs.context import Context
from gofer.server.runs.journal import Journal, Step
from gofer.server.runs.notify import store_notifications
from gofer.server.runs.task import TaskWorker, end_task_run
from gofer.server.store import attempts, runs, task_runs
from gofer.server.store.database import Transaction

_SHOWN_FAILURES = 5
_ENDED = (TaskStatus.SUCCESSFUL, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.SKIPPED)


class Supervisor:
    """Starts every task run whose parents allow it, hears of each end, finishes the run.

    All of a run's state changes here, in the event loop, without an await between reading and changing it; what has
    changed is then recorded through the run's journal, and only then does the engine hear of what is to start.
    """

    def __init__(self, context: Context, run: ActiveRun) -> None:
        self._context = context
        self.run = run
        self._journal = Journal(context.database)
        self._conditions = Conditions(run.ticket.plan)
        self._group = asyncio.TaskGroup()
        self._begun = False
        self._finished = False
        self._fresh: list[tuple[TaskState, TaskWorker]] = []
        self._log = get_logger("gofer.runs")

    async def supervise(self) -> None:
        """Returns when the run has ended and that is on disk."""
        timer: asyncio.TimerHandle | None = None
        try:
            if self.run.ticket.stored:
                await self._restore()
            async with self._group:
                timer = self._run_timer()
                await self._begin()
        finally:
            if timer is not None:
                timer.cancel()
            await self._journal.close()
        self._say_end()

    async def cancel(self, reason: Reason) -> None:
        """End every task run that has not ended. The wish itself has been recorded by the caller."""
        self.run.cancelling = self.run.cancelling or reason
        # What has not begun has nothing to end yet: its beginning sees the wish.
        if self._begun:
            await self._journal.record(*self._cancel_steps())

    async def cancel_task(self, state: TaskState) -> None:
        """End one task run; what waits for it is skipped. The wish itself has been recorded by the caller."""
        if not self._begun:
            state.interrupt(Reason.CANCELLED_BY_USER)
        elif state.status is TaskStatus.WAITING:
            steps = self._settle(state, Outcome(TaskStatus.CANCELLED, Reason.CANCELLED_BY_USER))
            # In the run's own group: what this has made ready is launched even if the caller gives up.
            settling = self._group.create_task(self._record_and_launch(steps), name=f"cancel {state.id}")
            await asyncio.shield(settling)
        elif not state.status.ended:
            state.interrupt(Reason.CANCELLED_BY_USER)

    async def _restore(self) -> None:
        key = self.run.ticket.key
        # Through the writer, as that one waits a fault of the store out.
        rows, open_attempts = await self._context.database.write_patiently(
            lambda tx: (task_runs.of_run(tx.connection, key), attempts.unfinished_of_run(tx.connection, key))
        )
        for row in rows:
            self.run.tasks[row.position].restore(row, open_attempts.get(row.position))

    async def _begin(self) -> None:
        self._begun = True
        run = self.run
        if says_debug():
            self._log.debug("run began" if run.started_at is None else "run goes on", version=run.ticket.version)
        steps: list[Step] = []
        # A run that is cancelled while it is queued never starts.
        if run.started_at is None and not run.cancelling:
            run.started_at = at = self._context.clock.now()
            steps.append(lambda tx: self._started_step(tx, at))
        for state in run.tasks:
            if state.status not in (TaskStatus.WAITING, *_ENDED):
                self._adopt(state)
        steps += self._replay()
        steps += self._cancel_steps() if run.cancelling else self._ready(self._conditions.roots())
        await self._record_and_launch(steps)
        self._context.reached("begun")

    def _adopt(self, state: TaskState) -> None:
        worker = TaskWorker(self._context, self.run, state, self._journal)
        worker.adopt()
        self._fresh.append((state, worker))

    def _replay(self) -> list[Step]:
        """Weigh the ends that the store knows already, and wishes to end that it knows and nobody has followed."""
        ended = [state for state in self.run.tasks if state.status.ended]
        steps: list[Step] = []
        # First, so that none of them is made ready by an end.
        for state in self.run.tasks:
            if state.status is TaskStatus.WAITING and state.stop:
                steps += self._settle(state, Outcome(TaskStatus.CANCELLED, state.stop))
        return steps + [step for state in ended for step in self._after_end(state)]

    def _run_timer(self) -> asyncio.TimerHandle | None:
        timeout = self.run.ticket.plan.run_timeout
        if timeout is None:
            return None
        now = self._context.clock.now()
        passed = max(0, now - (self.run.started_at if self.run.started_at is not None else now))
        return asyncio.get_running_loop().call_later(max(0, timeout - passed) / 1000, self._out_of_time)

    def _out_of_time(self) -> None:
        if self.run.unended and not self.run.cancelling:
            self._group.create_task(self._end_for_timeout(), name="run timeout")

    async def _end_for_timeout(self) -> None:
        if self.run.cancelling or not self.run.unended:
            return
        at, key = self._context.clock.now(), self.run.ticket.key

        def step(tx: Transaction) -> None:
            runs.request_cancel(tx, key, at, Reason.RUN_TIMEOUT)
            self.run.emit(tx, Kind.RUN_CANCELLING, at, data={"reason": Reason.RUN_TIMEOUT})

        self._journal.add(step)
        await self.cancel(Reason.RUN_TIMEOUT)

    async def _work(self, state: TaskState, worker: TaskWorker) -> None:
        outcome = await worker.work()
        at = self._context.clock.now()
        steps = worker.ended_steps(outcome, at) + self._settle(state, outcome)
        await self._record_and_launch(steps)
        self._context.reached("ended")
        worker.cleared()

    async def _record_and_launch(self, steps: list[Step]) -> None:
        fresh, self._fresh = self._fresh, []
        await self._journal.record(*steps)
        for state, worker in fresh:
            self._group.create_task(self._work(state, worker), name=f"task run {state.id}")

    def _settle(self, state: TaskState, outcome: Outcome) -> list[Step]:
        """A task run has ended: what to record of that and of all that follows from it."""
        at = self._context.clock.now()
        state.status, state.reason = outcome.status, outcome.reason
        return [partial(end_task_run, run=self.run, state=state, outcome=outcome, at=at), *self._after_end(state)]

    def _after_end(self, state: TaskState) -> list[Step]:
        self.run.unended -= 1
        opened = self._conditions.ended(state.position, state.status)
        steps = self._ready(opened.ready)
        steps += self._skip(opened.unmet)
        if self.run.unended == 0 and not self._finished:
            steps.append(self._finish())
        return steps

    def _skip(self, positions: list[int]) -> list[Step]:
        """Skip task runs whose conditions cannot be met any more, and whatever that decides in turn."""
        steps: list[Step] = []
        outcome = Outcome(TaskStatus.SKIPPED, Reason.PARENTS_UNMET)
        unmet = list(positions)
        while unmet:
            state = self.run.tasks[unmet.pop()]
            if state.status is not TaskStatus.WAITING:
                continue
            at = self._context.clock.now()
            state.status, state.reason = outcome.status, outcome.reason
            self.run.unended -= 1
            steps.append(partial(end_task_run, run=self.run, state=state, outcome=outcome, at=at))
            opened = self._conditions.ended(state.position, state.status)
            steps += self._ready(opened.ready)
            unmet += opened.unmet
        return steps

    def _ready(self, positions: list[int]) -> list[Step]:
        steps: list[Step] = []
        if self.run.cancelling:
            return steps
        for position in positions:
            state = self.run.tasks[position]
            if state.status is TaskStatus.WAITING:
                worker = TaskWorker(self._context, self.run, state, self._journal)
                steps.append(worker.prepare())
                self._fresh.append((state, worker))
        return steps

    def _cancel_steps(self) -> list[Step]:
        stop = Reason.RUN_TIMEOUT if self.run.cancelling is Reason.RUN_TIMEOUT else Reason.RUN_CANCELLED
        waiting = [state for state in self.run.tasks if state.status is TaskStatus.WAITING]
        for state in self.run.tasks:
            if not state.status.ended and state.status is not TaskStatus.WAITING:
                state.interrupt(stop)
        # All of them at once, so that the end of one makes none of the others ready.
        for state in waiting:
            state.status = TaskStatus.CANCELLED
        return [step for state in waiting for step in self._settle(state, Outcome(TaskStatus.CANCELLED, stop))]

    def _started_step(self, tx: Transaction, at: int) -> None:
        runs.set_running(tx, self.run.ticket.key, at)
        self.run.emit(tx, Kind.RUN_STARTED, at)

    def _finish(self) -> Step:
        self._finished = True
        at = self._context.clock.now()
        status, reason, detail = self._verdict()
        data: dict[str, object] = {"status": status}
        if reason:
            data |= {"reason": reason, "detail": detail}

        ticket = self.run.ticket

        def step(tx: Transaction) -> None:
            runs.set_ended(tx, ticket.key, status, reason, detail, at)
            store_notifications(tx, ticket.plan, ticket.pipeline_key, ticket.key, status, at)
            self.run.emit(tx, Kind.RUN_ENDED, at, data=data)
            if after_run(tx, ticket.pipeline_key, ticket.deployment, ticket.version, status, at):
                self._context.reached("decided")

        return step

    def _say_end(self) -> None:
        status, reason, detail = self._verdict()
        if status is RunStatus.FAILED:
            self._log.info("run ended", status=status, reason=reason, detail=detail)
        elif says_debug():
            self._log.debug("run ended", status=status, reason=reason, detail=detail)

    def _verdict(self) -> tuple[RunStatus, Reason, str]:
        run = self.run
        cancelled = [t for t in run.tasks if t.status is TaskStatus.CANCELLED]
        if cancelled and run.cancelling is Reason.RUN_TIMEOUT:
            limit = format_duration(run.ticket.plan.run_timeout or 0)
            return RunStatus.FAILED, Reason.RUN_TIMEOUT, f"took longer than its run_timeout of {limit}"
        if cancelled:
            return RunStatus.CANCELLED, run.cancelling or cancelled[0].reason, _named(cancelled, "cancelled")
        failed = [t for t in run.tasks if t.status is TaskStatus.FAILED and not t.planned.node.task.allow_failure]
        if failed:
            return RunStatus.FAILED, Reason.TASK_FAILED, _named(failed, "failed")
        return RunStatus.SUCCESSFUL, Reason.NONE, ""


def _named(tasks: list[TaskState], verb: str) -> str:
    names = ", ".join(t.id for t in tasks[:_SHOWN_FAILURES])
    more = f" and {len(tasks) - _SHOWN_FAILURES} more" if len(tasks) > _SHOWN_FAILURES else ""
    return f"{verb}: {names}{more}"
