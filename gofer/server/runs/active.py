"""A run in memory, from its admission to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from gofer.models.event import Kind
from gofer.models.manifest import ParameterValue
from gofer.models.run import Attempt
from gofer.models.status import Reason, TaskStatus
from gofer.server.runs.plan import Plan, PlannedTask
from gofer.server.store.database import Transaction
from gofer.server.store.task_runs import TaskRunRow


class Ticket(NamedTuple):
    """A run that waits for its admission. `stored`: its task runs are not all new and must be read from the store.
    `variables`: what a trigger has given it. `deployment`: the number of the one that has given it its version."""

    key: int
    pipeline_key: int
    namespace: str
    pipeline: str
    number: int
    version: int
    parameters: dict[str, ParameterValue]
    plan: Plan
    created_at: int
    started_at: int | None = None
    cancelling: Reason = Reason.NONE
    stored: bool = False
    correlation_id: str = ""
    variables: Mapping[str, str] = MappingProxyType({})
    deployment: int | None = None


class TaskState:
    """One task run. `stop` says why it is to end; `adopted` is the attempt that was under way when Gofer came back."""

    __slots__ = ("adopted", "attempt", "next_attempt_at", "planned", "reason", "scope", "status", "stop")

    def __init__(self, planned: PlannedTask) -> None:
        self.planned = planned
        self.status = TaskStatus.WAITING
        self.reason = Reason.NONE
        self.attempt = 0
        self.next_attempt_at: int | None = None
        self.adopted: Attempt | None = None
        self.stop = Reason.NONE
        self.scope: asyncio.Timeout | None = None

    @property
    def id(self) -> str:
        return self.planned.node.id

    @property
    def position(self) -> int:
        return self.planned.node.position

    def interrupt(self, reason: Reason) -> None:
        """Make whatever the task run waits for give way. The first reason stays."""
        if self.stop:
            return
        self.stop = reason
        # A scope that has expired, its time being up, cannot be moved any more, and need not be.
        if self.scope is not None and not self.scope.expired():
            self.scope.reschedule(asyncio.get_running_loop().time())

    def restore(self, row: TaskRunRow, attempt: Attempt | None) -> None:
        """Take over what the store knows."""
        self.status, self.reason, self.attempt = row.status, row.reason, row.attempt
        self.next_attempt_at, self.adopted = row.next_attempt_at, attempt
        if row.cancel_requested_at is not None:
            self.stop = Reason.CANCELLED_BY_USER


class ActiveRun:
    """A run and its task runs. `unended` counts down to the end."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.tasks = [TaskState(planned) for planned in ticket.plan.tasks]
        self.unended = len(self.tasks)
        self.started_at = ticket.started_at
        self.cancelling = ticket.cancelling

    def task(self, name: str) -> TaskState | None:
        return next((t for t in self.tasks if t.id == name), None)

    def emit(self, tx: Transaction, kind: Kind, at: int, task: str = "", data: dict[str, object] | None = None) -> None:
        """Add an event of this run to a transaction; the run's own events tell what started it."""
        t = self.ticket
        if t.correlation_id and not task:
            data = {**(data or {}), "correlation_id": t.correlation_id}
        tx.emit(kind, at, namespace=t.namespace, pipeline=t.pipeline, run=t.number, run_key=t.key, task=task, data=data)
