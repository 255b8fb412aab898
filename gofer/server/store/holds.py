"""Rows of holds: what must not be, or no longer be, with a pipeline or a version."""

from __future__ import annotations

import sqlite3

from gofer.models.hold import Hold, HoldKind
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("holds")

PIPELINE = 0
"""In the place of a version: the pipeline as a whole."""


def put(transaction: Transaction, pipeline_key: int, version: int, hold: Hold) -> None:
    """Store it, in the place of one of the same kind."""
    transaction.execute(_SQL.put, (pipeline_key, version, hold.kind, hold.reason, hold.at, hold.by))


def delete(transaction: Transaction, pipeline_key: int, version: int, kind: HoldKind) -> bool:
    """False: there was none."""
    return transaction.execute(_SQL.delete, (pipeline_key, version, kind)).rowcount == 1


def delete_all(transaction: Transaction, pipeline_key: int, version: int) -> None:
    """Those on a version, which goes."""
    transaction.execute(_SQL.delete_all, (pipeline_key, version))


def get(connection: Readable, pipeline_key: int, version: int, kind: HoldKind) -> Hold | None:
    row = connection.execute(_SQL.get, (pipeline_key, version, kind)).fetchone()
    return _hold(row) if row else None


def of_pipeline(connection: Readable, pipeline_key: int) -> dict[int, list[Hold]]:
    """All of a pipeline, by version; its own under `PIPELINE`."""
    found: dict[int, list[Hold]] = {}
    for row in connection.execute(_SQL.of_pipeline, (pipeline_key,)):
        found.setdefault(row["version"], []).append(_hold(row))
    return found


def of_version(connection: Readable, pipeline_key: int, version: int) -> list[Hold]:
    """Those of one version, or with `PIPELINE` of the pipeline itself."""
    return [_hold(row) for row in connection.execute(_SQL.of_version, (pipeline_key, version))]


def paused_pipelines(connection: Readable) -> set[int]:
    """The keys of the pipelines that are paused."""
    return {row[0] for row in connection.execute(_SQL.paused_pipelines)}


def _hold(row: sqlite3.Row) -> Hold:
    return Hold(kind=row["kind"], reason=row["reason"], at=row["held_at"], by=row["held_by"])
