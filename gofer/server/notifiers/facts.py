"""What is known of a run that somebody is to be told of."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from gofer.errors import GoferError
from gofer.models.run import Run
from gofer.models.status import TaskStatus
from gofer.server.logs.logs import LogId, Logs
from gofer.server.notifiers.tail import plain_lines
from gofer.server.runs.active import Ticket
from gofer.server.runs.plan import Plans
from gofer.server.runs.recover import stored_ticket
from gofer.server.store import runs, task_runs
from gofer.server.store.notifications import NotificationRow
from gofer.server.store.task_runs import TaskRunRow

MOST_TASKS = 5
_LINES = 20
_LINE = 300
_BYTES = 6_000


class FailedTask(NamedTuple):
    """A task run that has failed, and the end of its last attempt's log, as it is stored: secrets are hidden there."""

    id: str
    reason: str
    detail: str
    exit_code: int | None
    attempt: int
    log: list[str]


class Facts(NamedTuple):
    """`failed`: the first few of the task runs that have failed; `failures` counts them all."""

    ticket: Ticket
    run: Run
    failed: list[FailedTask]
    failures: int


class Found(NamedTuple):
    """What the store has of it."""

    ticket: Ticket
    run: Run
    failed: list[TaskRunRow]


def find(connection: sqlite3.Connection, plans: Plans, row: NotificationRow) -> Found | None:
    """None if the run is gone."""
    found = runs.by_key(connection, row.run_key)
    if found is None:
        return None
    failed = [
        task
        for task in task_runs.of_run(connection, row.run_key)
        if task.status is TaskStatus.FAILED and not task.allow_failure
    ]
    return Found(stored_ticket(plans, connection, found), found.run, failed)


async def with_logs(found: Found, logs: Logs) -> Facts:
    """The same with the ends of logs. What cannot be read is left out: the rest is to be told all the same."""
    failed = [
        FailedTask(
            task.id, task.reason, task.detail, task.exit_code, task.attempt, await _log(found.ticket, task, logs)
        )
        for task in found.failed[:MOST_TASKS]
    ]
    return Facts(found.ticket, found.run, failed, len(found.failed))


async def _log(ticket: Ticket, task: TaskRunRow, logs: Logs) -> list[str]:
    log = LogId(ticket.namespace, ticket.pipeline, ticket.number, task.id, task.attempt)
    try:
        page = await logs.read(log, -_LINES, _LINES, None, True)
    except (GoferError, OSError):
        return []
    lines: list[str] = []
    room = _BYTES
    for line in reversed(page.lines):
        text = "".join(plain_lines(line.text[:_LINE]))
        room -= len(text.encode(errors="replace")) + 1
        if room < 0:
            break
        lines.append(text)
    return lines[::-1]
