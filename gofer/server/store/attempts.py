"""Rows of attempts."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from gofer.models.run import Attempt, TaskAttempt
from gofer.models.status import Reason, TaskStatus
from gofer.server.store.database import Transaction
from gofer.server.store.queries import load

_SQL = load("attempts")
_AS_STORED = tuple(set(Attempt.__struct_fields__) - {"status", "reason"})


class AttemptKey(NamedTuple):
    run_key: int
    position: int
    number: int


def insert(tx: Transaction, key: AttemptKey, uid: str, container: str, at: int) -> None:
    """Store a new attempt in status `starting`."""
    tx.execute(_SQL.insert, (*key, uid, container, at))


def get(connection: sqlite3.Connection, key: AttemptKey) -> Attempt | None:
    row = connection.execute(_SQL.get, key).fetchone()
    return _model(row) if row else None


def of_task_run(connection: sqlite3.Connection, run_key: int, position: int) -> list[Attempt]:
    """Every attempt of a task run, first to newest."""
    return [_model(row) for row in connection.execute(_SQL.of_task_run, (run_key, position))]


def of_run(connection: sqlite3.Connection, after: AttemptKey, limit: int) -> list[tuple[AttemptKey, TaskAttempt]]:
    """Attempts of the run of `after` behind that one, in the order of its graph and of their numbers."""
    rows = connection.execute(_SQL.of_run, (*after, limit)).fetchall()
    return [
        (AttemptKey(after.run_key, row["position"], row["number"]), TaskAttempt(task=row["task"], **_fields(row)))
        for row in rows
    ]


def unfinished_of_run(connection: sqlite3.Connection, run_key: int) -> dict[int, Attempt]:
    """The attempts of a run that have not ended, by the position of their task run."""
    return {row["position"]: _model(row) for row in connection.execute(_SQL.unfinished_of_run, (run_key,))}


def open_containers(connection: sqlite3.Connection) -> set[str]:
    """The names of the containers of all attempts that have not ended."""
    return {row["container"] for row in connection.execute(_SQL.open_containers)}


def set_running(tx: Transaction, key: AttemptKey, at: int, image_digest: str) -> None:
    tx.execute(_SQL.set_running, (at, image_digest, *key))


def set_ended(
    tx: Transaction,
    key: AttemptKey,
    status: TaskStatus,
    reason: Reason,
    detail: str,
    exit_code: int | None,
    at: int,
    log: tuple[int, int],
) -> None:
    """`log` is the size of the attempt's log: lines, bytes."""
    tx.execute(_SQL.set_ended, (status, reason, detail, exit_code, at, *log, *key))


def _model(row: sqlite3.Row) -> Attempt:
    return Attempt(**_fields(row))


def _fields(row: sqlite3.Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _AS_STORED},
        "status": TaskStatus(row["status"]),
        "reason": Reason(row["reason"]),
    }
