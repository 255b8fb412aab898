"""Rows of namespaces."""

from __future__ import annotations

import sqlite3

from gofer.models.pipeline import Namespace
from gofer.server.store.patterns import Patterns, globs
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

DEFAULT = "default"

_SQL = load("namespaces")


def insert(transaction: Transaction, namespace: Namespace) -> bool:
    """False if there is one of that id already; it stays as it is."""
    row = (namespace.id, namespace.name, namespace.description, namespace.created_at, namespace.modified_at)
    return transaction.execute(_SQL.insert, row).rowcount == 1


def ensure_default(transaction: Transaction, at: int) -> None:
    """The namespace `default` always exists."""
    insert(transaction, Namespace(id=DEFAULT, name="Default", created_at=at, modified_at=at))


def get(connection: Readable, namespace: str) -> Namespace | None:
    row = connection.execute(_SQL.get, (namespace,)).fetchone()
    return _namespace(row) if row else None


def list_page(connection: Readable, after: str, limit: int, seen: Patterns = None) -> list[Namespace]:
    """At most `limit` namespaces that match `seen`, in the order of their ids, from behind the id `after` ("": from the
    first)."""
    where = {"after": after, "limit": limit, "seen": globs(seen)}
    return [_namespace(row) for row in connection.execute(_SQL.list_page, where)]


def update(
    transaction: Transaction, namespace: str, *, name: str | None, description: str | None, at: int
) -> Namespace | None:
    """The namespace as it is now; what is None was not changed. None if there is no such namespace."""
    row = transaction.execute(_SQL.update, (name, description, at, namespace)).fetchone()
    return _namespace(row) if row else None


def has_pipelines(connection: Readable, namespace: str) -> bool:
    return connection.execute(_SQL.has_pipelines, (namespace,)).fetchone() is not None


def delete(transaction: Transaction, namespace: str) -> bool:
    """False if there was none. It must have no pipelines."""
    return transaction.execute(_SQL.delete, (namespace,)).rowcount == 1


def _namespace(row: sqlite3.Row) -> Namespace:
    return Namespace(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
    )
