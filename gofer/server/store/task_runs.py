"""Rows of task runs: one for each node of the run's graph, addressed by its position there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from gofer.models.run import TaskRun
from gofer.models.status import Reason, TaskStatus
from gofer.server.store.database import Transaction
from gofer.server.store.queries import load

_SQL = load("task_runs")


class NewTaskRun(NamedTuple):
    """A task run as the run is born: `waiting`, or taken over from the run that is retried."""

    position: int
    id: str
    allow_failure: bool
    status: TaskStatus = TaskStatus.WAITING
    reason: Reason = Reason.NONE
    detail: str = ""
    exit_code: int | None = None
    ended_at: int | None = None


class TaskRunRow(NamedTuple):
    run_key: int
    position: int
    id: str
    status: TaskStatus
    reason: Reason
    detail: str
    allow_failure: bool
    attempt: int
    exit_code: int | None
    queued_at: int | None
    started_at: int | None
    ended_at: int | None
    next_attempt_at: int | None
    cancel_requested_at: int | None

    def model(self, namespace: str, pipeline: str, run: int) -> TaskRun:
        """As the API shows it; the three names say which run it belongs to."""
        return TaskRun(
            namespace=namespace,
            pipeline=pipeline,
            run=run,
            id=self.id,
            status=self.status,
            reason=self.reason,
            detail=self.detail,
            allow_failure=self.allow_failure,
            attempt=self.attempt,
            exit_code=self.exit_code,
            queued_at=self.queued_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            next_attempt_at=self.next_attempt_at,
        )


def insert(tx: Transaction, run_key: int, new: Iterable[NewTaskRun]) -> None:
    tx.executemany(
        _SQL.insert,
        [
            (
                run_key,
                t.position,
                t.id,
                t.status,
                t.reason,
                t.detail,
                t.allow_failure,
                t.exit_code,
                None,
                None,
                t.ended_at,
            )
            for t in new
        ],
    )


def of_run(connection: sqlite3.Connection, run_key: int, after: int = -1, limit: int = -1) -> list[TaskRunRow]:
    """Task runs in the graph's order, with a position above `after`; a negative limit means all."""
    return [_row(row) for row in connection.execute(_SQL.of_run, (run_key, after, limit))]


def get(connection: sqlite3.Connection, run_key: int, task: str) -> TaskRunRow | None:
    row = connection.execute(_SQL.get, (run_key, task)).fetchone()
    return _row(row) if row else None


def set_queued(
    tx: Transaction, run_key: int, position: int, at: int, next_attempt_at: int | None, reason: Reason, detail: str
) -> None:
    tx.execute(_SQL.set_queued, (reason, detail, at, next_attempt_at, run_key, position))


def set_starting(tx: Transaction, run_key: int, position: int, attempt: int, at: int) -> None:
    tx.execute(_SQL.set_starting, (attempt, at, run_key, position))


def set_running(tx: Transaction, run_key: int, position: int, at: int) -> None:
    tx.execute(_SQL.set_running, (at, run_key, position))


def set_ended(
    tx: Transaction,
    run_key: int,
    position: int,
    status: TaskStatus,
    reason: Reason,
    detail: str,
    exit_code: int | None,
    at: int,
) -> None:
    tx.execute(_SQL.set_ended, (status, reason, detail, exit_code, at, run_key, position))


def request_cancel(tx: Transaction, run_key: int, position: int, at: int) -> bool:
    """Note that a task run is to end. False if that was noted before."""
    return tx.execute(_SQL.request_cancel, (at, run_key, position)).rowcount == 1


def _row(row: sqlite3.Row) -> TaskRunRow:
    values = list(row)
    values[3], values[4], values[6] = TaskStatus(values[3]), Reason(values[4]), bool(values[6])
    return TaskRunRow(*values)
