"""Rows of pipelines."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from gofer.server.store.patterns import Patterns, globs
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("pipelines")
_ROWS_A_BATCH = 2_000


class PipelineRow(NamedTuple):
    """`live_version` is what new runs use (0: none was deployed yet); `last_version`, `last_run` and `last_deployment`
    are the highest numbers given so far."""

    key: int
    namespace: str
    id: str
    name: str
    description: str
    enabled: bool
    live_version: int
    last_version: int
    last_run: int
    created_at: int
    modified_at: int
    last_deployment: int = 0


def insert(transaction: Transaction, *, namespace: str, pipeline: str, name: str, description: str, at: int) -> int:
    """Store a new, enabled pipeline whose last version is 1, and that has none live; returns its key. The version is
    inserted apart.

    Raises sqlite3.IntegrityError if the namespace does not exist, or has a pipeline of that id.
    """
    row = {"namespace": namespace, "id": pipeline, "name": name, "description": description, "at": at}
    key = transaction.execute(_SQL.insert, row).lastrowid
    assert key is not None
    return key


def get(connection: Readable, namespace: str, pipeline: str) -> PipelineRow | None:
    row = connection.execute(_SQL.get, (namespace, pipeline)).fetchone()
    return row_of(row) if row else None


def by_key(connection: Readable, key: int) -> PipelineRow | None:
    row = connection.execute(_SQL.by_key, (key,)).fetchone()
    return row_of(row) if row else None


def list_page(connection: Readable, namespace: str, after: str, limit: int, seen: Patterns = None) -> list[PipelineRow]:
    """At most `limit` pipelines that match `seen`, in the order of their ids, from behind the id `after` ("": from the
    first)."""
    where = {"namespace": namespace, "after": after, "limit": limit, "seen": globs(seen)}
    return [row_of(row) for row in connection.execute(_SQL.list_page, where)]


def count(connection: Readable) -> int:
    """How many there are, in all namespaces."""
    number: int = connection.execute(_SQL.count).fetchone()[0]
    return number


def set_version(transaction: Transaction, key: int, *, version: int, name: str, description: str, at: int) -> None:
    """Make `version` the live one, and take over what its manifest says of the pipeline."""
    row = {"key": key, "version": version, "name": name, "description": description, "at": at}
    transaction.execute(_SQL.set_version, row)


def set_last_version(transaction: Transaction, key: int, version: int, at: int) -> None:
    """`version` is its highest number now; the live one stays."""
    transaction.execute(_SQL.set_last_version, {"key": key, "version": version, "at": at})


def set_enabled(transaction: Transaction, key: int, enabled: bool, at: int) -> None:
    transaction.execute(_SQL.set_enabled, (enabled, at, key))


def delete_some_runs(transaction: Transaction, key: int) -> bool:
    """Delete the pipeline's oldest runs with all they have, no more than one transaction should. False: none is left.

    To be called, each time in a transaction of its own, before `delete`: other writers get their turn in between.
    """
    upto, rows = 0, 0
    for run in transaction.execute(_SQL.oldest_runs, (key,)).fetchall():
        upto, rows = run["number"], rows + 1 + run["task_count"]
        if rows >= _ROWS_A_BATCH:
            break
    if rows == 0:
        return False
    transaction.execute(_SQL.delete_runs, (key, upto))
    return True


def delete(transaction: Transaction, key: int) -> None:
    """Delete the pipeline, its versions and the runs that are left."""
    transaction.execute(_SQL.delete, (key,))


def row_of(row: sqlite3.Row) -> PipelineRow:
    return PipelineRow(
        key=row["key"],
        namespace=row["namespace"],
        id=row["id"],
        name=row["name"],
        description=row["description"],
        enabled=bool(row["enabled"]),
        live_version=row["live_version"],
        last_version=row["last_version"],
        last_run=row["last_run"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        last_deployment=row["last_deployment"],
    )
