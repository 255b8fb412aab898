"""One task run: its turn at the engine, its attempts, and the waiting between them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gofer.models.event import Kind
from gofer.models.status import Reason, TaskStatus
from gofer.server.own_log import get_logger, says_debug
from gofer.server.runs.active import ActiveRun, TaskState
from gofer.server.runs.attempt import AttemptRunner, Outcome
from gofer.server.runs.context import Context
from gofer.server.runs.journal import Journal, Step
from gofer.server.store import task_runs
from gofer.server.store.database import Transaction

# Trying these again cannot end otherwise.
_FINAL_REASONS = frozenset(
    {Reason.INTERPOLATION_FAILED, Reason.NOT_ALLOWED, Reason.COMMON_TASK_UNAVAILABLE, Reason.INTERNAL_ERROR}
)


class TaskWorker:
    """Made when the task run becomes ready; `prepare` then `work`, then the supervisor records `ended_steps`."""

    def __init__(self, context: Context, run: ActiveRun, state: TaskState, journal: Journal) -> None:
        self._context = context
        self._run = run
        self._state = state
        self._journal = journal
        self._runner: AttemptRunner | None = None
        self._log = get_logger("gofer.runs")

    def prepare(self) -> Step:
        """What is to be recorded as the task run becomes ready: that it starts, or that it waits for its turn."""
        if self._context.slots.try_take():
            return self._begin_attempt()
        self._state.status = TaskStatus.QUEUED
        at = self._context.clock.now()
        return lambda tx: self._queued_step(tx, at, None, Reason.NONE, "")

    def adopt(self) -> None:
        """Go on with what the store says was under way when Gofer ended."""
        if self._state.adopted is not None:
            self._context.slots.take_over()
            self._runner = self._new_runner(self._state.adopted.starting_at)

    async def work(self) -> Outcome:
        """Every attempt until the last. The outcome is the last one's; nothing of its end is recorded yet."""
        while True:
            if self._runner is None:
                if not await self._turn():
                    return self._cancelled()
                await self._journal.record(self._begin_attempt())
            outcome = await self._attempt()
            if not self._again(outcome):
                return outcome
            await self._record_retry(outcome)

    def ended_steps(self, outcome: Outcome, at: int) -> list[Step]:
        """What records the end of the last attempt, if there was one."""
        if self._runner is None:
            return []
        runner = self._runner
        return [lambda tx: runner.ended_step(tx, outcome, at)]

    def cleared(self) -> None:
        """The end is on disk: have the container removed."""
        if self._runner is not None:
            self._context.remover.remove(self._runner.container)

    def _new_runner(self, at: int) -> AttemptRunner:
        return AttemptRunner(self._context, self._run, self._state, self._journal, at)

    def _begin_attempt(self) -> Step:
        self._state.status, self._state.attempt = TaskStatus.STARTING, self._state.attempt + 1
        self._state.next_attempt_at = None
        runner = self._runner = self._new_runner(self._context.clock.now())
        return runner.starting_step

    async def _attempt(self) -> Outcome:
        assert self._runner is not None
        self._context.reached("recorded")
        try:
            outcome = await self._runner.run()
        except Exception as error:
            self._log.exception("attempt broke", container=self._runner.container)
            outcome = await self._runner.broken(error)
        finally:
            self._state.adopted = None
            self._context.slots.give()
        # Not where the server ends: the trace of a crash comes after everything else.
        self._runner.forget()
        if says_debug():
            self._say_end(outcome)
        return outcome

    def _say_end(self, outcome: Outcome) -> None:
        assert self._runner is not None
        self._log.debug(
            "attempt ended",
            task=self._state.id,
            attempt=self._state.attempt,
            container=self._runner.container,
            status=outcome.status,
            reason=outcome.reason,
        )

    async def _turn(self) -> bool:
        """Wait for the backoff and then for a slot. False when the task run is to end instead."""
        try:
            async with self._interruptible():
                await asyncio.sleep(self._backoff_left())
                await self._context.slots.take()
        except TimeoutError:
            return False
        if self._state.stop:
            self._context.slots.give()
            return False
        return True

    def _backoff_left(self) -> float:
        """Seconds until the next attempt may begin."""
        if self._state.next_attempt_at is None:
            return 0.0
        left = max(0, self._state.next_attempt_at - self._context.clock.now())
        # A clock that was set back while Gofer was away must not lengthen the wait.
        return min(left, self._state.planned.backoff.longest) / 1000

    @asynccontextmanager
    async def _interruptible(self) -> AsyncIterator[None]:
        async with asyncio.timeout(0 if self._state.stop else None) as scope:
            self._state.scope = scope
            try:
                yield
            finally:
                self._state.scope = None

    def _again(self, outcome: Outcome) -> bool:
        return (
            outcome.status is TaskStatus.FAILED
            and not self._state.stop
            and not outcome.final
            and outcome.reason not in _FINAL_REASONS
            and self._state.attempt <= self._state.planned.backoff.retries
        )

    async def _record_retry(self, outcome: Outcome) -> None:
        state, runner = self._state, self._runner
        assert runner is not None
        at = self._context.clock.now()
        # Not for cryptography: it only keeps failing tasks from trying again in step.
        delay = state.planned.backoff.delay(state.attempt, random.random())  # noqa: S311
        state.next_attempt_at, state.status = at + delay, TaskStatus.QUEUED
        await self._journal.record(
            lambda tx: runner.ended_step(tx, outcome, at),
            lambda tx: self._queued_step(tx, at, at + delay, outcome.reason, outcome.detail),
        )
        self._context.remover.remove(runner.container)
        self._runner = None

    def _queued_step(self, tx: Transaction, at: int, next_at: int | None, reason: Reason, detail: str) -> None:
        state, key = self._state, self._run.ticket.key
        task_runs.set_queued(tx, key, state.position, at, next_at, reason, detail)
        if next_at is None:
            self._run.emit(tx, Kind.TASKRUN_QUEUED, at, state.id)
            return
        data: dict[str, object] = {"attempt": state.attempt, "reason": reason, "detail": detail, "next_at": next_at}
        self._run.emit(tx, Kind.TASKRUN_RETRYING, at, state.id, data)

    def _cancelled(self) -> Outcome:
        return Outcome(TaskStatus.CANCELLED, self._state.stop, "ended while it waited for its turn")


def end_task_run(tx: Transaction, run: ActiveRun, state: TaskState, outcome: Outcome, at: int) -> None:
    """Record the end of a task run, with its event."""
    task_runs.set_ended(
        tx, run.ticket.key, state.position, outcome.status, outcome.reason, outcome.detail, outcome.exit_code, at
    )
    data: dict[str, object] = {"status": outcome.status}
    if outcome.reason:
        data["reason"] = outcome.reason
    if outcome.detail:
        data["detail"] = outcome.detail
    if outcome.exit_code is not None:
        data["exit_code"] = outcome.exit_code
    if state.attempt:
        data["attempt"] = state.attempt
    run.emit(tx, Kind.TASKRUN_ENDED, at, state.id, data)
