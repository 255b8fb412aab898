"""Rows of runs. Functions that write take the transaction that they are part of."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gofer.models.manifest import ParameterValue
from gofer.models.run import Initiator, Run
from gofer.models.status import Reason, RunStatus
from gofer.server.store import run_tokens
from gofer.server.store.database import Transaction
from gofer.server.store.patterns import Patterns, globs
from gofer.server.store.queries import load

_SQL = load("runs")
_SCAN_BATCH = 500
_STATUSES = {status.value: status for status in RunStatus}
_REASONS = {reason.value: reason for reason in Reason}
_USER = Initiator()
_PARAMETERS = msgspec.json.Decoder(dict[str, ParameterValue])
_VARIABLES = msgspec.json.Decoder(dict[str, str])

_Where = dict[str, str | int | None]

LAST = 2**62
"""A cursor behind every run."""


class RunRow(NamedTuple):
    """A run with the keys of its row. `cancel_reason` is what the run will end with."""

    key: int
    pipeline_key: int
    run: Run
    cancel_reason: Reason
    logs_expired: bool


class Unfinished(NamedTuple):
    """`smoke`: it is the smoke run of a deployment."""

    key: int
    number: int
    status: RunStatus
    cancelling: bool
    smoke: bool


class NewRun(NamedTuple):
    """What a run is born with."""

    pipeline_key: int
    namespace: str
    version: int
    status: RunStatus
    reason: Reason
    detail: str
    initiator: Initiator
    parameters: dict[str, ParameterValue]
    retry_of: int | None
    task_count: int
    at: int
    correlation_id: str = ""
    variables: Mapping[str, str] = MappingProxyType({})
    deployment: int | None = None


def insert(tx: Transaction, new: NewRun) -> tuple[int, int]:
    """Store a new run; returns its key and its number within the pipeline."""
    number: int = tx.execute(_SQL.next_number, (new.pipeline_key,)).fetchone()[0]
    cursor = tx.execute(
        _SQL.insert,
        (
            new.pipeline_key,
            new.namespace,
            number,
            new.version,
            new.status,
            new.reason,
            new.detail,
            new.initiator.kind,
            new.initiator.name,
            msgspec.json.encode(new.parameters).decode(),
            new.retry_of,
            new.task_count,
            new.at,
            new.at if new.status.ended else None,
            new.correlation_id,
            msgspec.json.encode(dict(new.variables)).decode(),
            new.deployment,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid, number


def get(connection: sqlite3.Connection, namespace: str, pipeline: str, number: int) -> RunRow | None:
    row = connection.execute(_SQL.get, (namespace, pipeline, number)).fetchone()
    return _row(row) if row else None


def by_key(connection: sqlite3.Connection, key: int) -> RunRow | None:
    row = connection.execute(_SQL.by_key, (key,)).fetchone()
    return _row(row) if row else None


def parameters_of_events(connection: sqlite3.Connection, events: Sequence[int]) -> dict[int, dict[str, ParameterValue]]:
    """The parameters of the runs that these events tell of, by the event's number; without those that are gone."""
    rows = connection.execute(_SQL.parameters_of_events, (msgspec.json.encode(events).decode(),))
    return {row[0]: _PARAMETERS.decode(row[1]) for row in rows}


def unfinished(connection: sqlite3.Connection, after: int, limit: int) -> list[RunRow]:
    """Runs that have not ended, oldest first, with a key above `after`."""
    return [_row(row) for row in connection.execute(_SQL.unfinished, (after, limit))]


def unfinished_span(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """When the first and the last of the runs were made that have not ended, in milliseconds; None if there is none."""
    first, last = connection.execute(_SQL.unfinished_span).fetchone()
    return None if first is None else (first, last)


def unfinished_of_pipeline(connection: sqlite3.Connection, pipeline_key: int) -> list[Unfinished]:
    """The runs of one pipeline that have not ended, oldest first."""
    rows = connection.execute(_SQL.unfinished_of_pipeline, (pipeline_key,))
    return [
        Unfinished(
            r["key"],
            r["number"],
            RunStatus(r["status"]),
            r["cancel_requested_at"] is not None,
            r["initiator_kind"] == "deployment",
        )
        for r in rows
    ]


def newest_of_version(connection: sqlite3.Connection | Transaction, pipeline_key: int, version: int) -> int | None:
    """The highest number of a run of that version."""
    number: int | None = connection.execute(_SQL.newest_of_version, (pipeline_key, version)).fetchone()[0]
    return number


def list_of_pipeline(
    connection: sqlite3.Connection, namespace: str, pipeline: str, status: RunStatus | None, before: int, limit: int
) -> list[RunRow]:
    """Runs of one pipeline with a number below `before`, newest first."""
    where: _Where = {"namespace": namespace, "pipeline": pipeline, "before": before, "limit": limit}
    if status is None:
        return _rows(connection, _SQL.of_pipeline, where)
    if status is RunStatus.SUCCESSFUL:
        return _look_along(connection, _SQL.of_pipeline, where, status, limit, by_number=True)
    sql = _SQL.of_pipeline_gone_wrong if status.ended else _SQL.of_pipeline_unfinished
    return _rows(connection, sql, {**where, "status": status})


def list_of_namespace(
    connection: sqlite3.Connection,
    namespace: str,
    status: RunStatus | None,
    before: int,
    limit: int,
    seen: Patterns = None,
) -> list[RunRow]:
    """Runs of a namespace with a key below `before`, newest first, of pipelines that match `seen`."""
    where: _Where = {"namespace": namespace, "before": before, "limit": limit, "seen": globs(seen)}
    if status is None:
        return _rows(connection, _SQL.of_namespace, where)
    if status is RunStatus.SUCCESSFUL:
        return _look_along(connection, _SQL.of_namespace, where, status, limit, by_number=False)
    sql = _SQL.of_namespace_gone_wrong if status.ended else _SQL.of_namespace_unfinished
    return _rows(connection, sql, {**where, "status": status})


def list_of_correlation(
    connection: sqlite3.Connection,
    namespace: str,
    pipeline: str | None,
    correlation_id: str,
    status: RunStatus | None,
    before: int,
    limit: int,
    seen: Patterns = None,
) -> list[RunRow]:
    """Runs that one request or event has started, newest first, of pipelines that match `seen`; `before` is a number
    within `pipeline`, else a key."""
    where: _Where = {"namespace": namespace, "pipeline": pipeline, "correlation_id": correlation_id, "status": status}
    return _rows(connection, _SQL.of_correlation, {**where, "before": before, "limit": limit, "seen": globs(seen)})


def set_running(tx: Transaction, key: int, at: int) -> None:
    tx.execute(_SQL.set_running, (at, key))


def set_ended(tx: Transaction, key: int, status: RunStatus, reason: Reason, detail: str, at: int) -> None:
    """Record the end of a run, and with it that of its tokens."""
    tx.execute(_SQL.set_ended, (status, reason, detail, at, key))
    run_tokens.delete_of_run(tx, key)


def request_cancel(tx: Transaction, key: int, at: int, reason: Reason) -> bool:
    """Note that an unfinished run is to end. False if that was noted before, or it has ended."""
    return tx.execute(_SQL.request_cancel, (at, reason, key)).rowcount == 1


def _rows(connection: sqlite3.Connection, sql: str, where: _Where) -> list[RunRow]:
    return [_row(row) for row in connection.execute(sql, where)]


def _look_along(
    connection: sqlite3.Connection,
    sql: str,
    where: _Where,
    status: RunStatus,
    limit: int,
    *,
    by_number: bool,
) -> list[RunRow]:
    """Go through all runs, newest first, until enough of the status are found."""
    found: list[RunRow] = []
    where = {**where, "limit": _SCAN_BATCH}
    while True:
        rows = connection.execute(sql, where).fetchall()
        for row in rows:
            if row["status"] == status:
                found.append(_row(row))
                if len(found) == limit:
                    return found
        if len(rows) < _SCAN_BATCH:
            return found
        where["before"] = rows[-1]["number" if by_number else "key"]


def _row(row: sqlite3.Row) -> RunRow:
    # By position, as lists of runs are the most asked for: the pipeline's id, then the table's columns in their order.
    (
        pipeline, key, pipeline_key, namespace, number, version, status, reason, detail, kind, name, parameters,
        retry_of, task_count, created_at, started_at, ended_at, cancel_requested_at, cancel_reason, logs_expired,
        correlation_id, variables, deployment,
    ) = row  # fmt: skip
    run = Run(
        namespace=namespace,
        pipeline=pipeline,
        id=number,
        version=version,
        status=_STATUSES[status],
        reason=_REASONS[reason],
        detail=detail,
        initiator=_USER if kind == "user" and not name else Initiator(kind=kind, name=name),
        parameters=_PARAMETERS.decode(parameters) if parameters != "{}" else {},
        variables=_VARIABLES.decode(variables) if variables != "{}" else {},
        created_at=created_at,
        started_at=started_at,
        ended_at=ended_at,
        cancel_requested_at=cancel_requested_at,
        retry_of=retry_of,
        task_count=task_count,
        correlation_id=correlation_id,
        deployment=deployment,
    )
    return RunRow(key, pipeline_key, run, _REASONS[cancel_reason], bool(logs_expired))
