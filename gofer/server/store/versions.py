"""Rows of versions. Nothing of a version changes but its notes."""

from __future__ import annotations

from typing import NamedTuple

from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("versions")

LAST = 2**62
"""A cursor behind every version."""


class VersionRow(NamedTuple):
    number: int
    hash: str
    manifest_json: str
    created_at: int
    registered_by: str
    notes: str


class VersionSummary(NamedTuple):
    """A version without its manifest, which may be large."""

    number: int
    hash: str
    created_at: int
    registered_by: str
    notes: str


def insert(
    transaction: Transaction,
    pipeline_key: int,
    *,
    number: int,
    manifest_hash: str,
    manifest_json: str,
    at: int,
    registered_by: str = "",
    notes: str = "",
) -> None:
    """Raises sqlite3.IntegrityError if that number is taken."""
    row = {
        "pipeline_key": pipeline_key,
        "number": number,
        "hash": manifest_hash,
        "manifest": manifest_json,
        "at": at,
        "registered_by": registered_by,
        "notes": notes,
    }
    transaction.execute(_SQL.insert, row)


def get(connection: Readable, pipeline_key: int, number: int) -> VersionRow | None:
    row = connection.execute(_SQL.get, (pipeline_key, number)).fetchone()
    return VersionRow(*row) if row else None


def exists(connection: Readable, pipeline_key: int, number: int) -> bool:
    return connection.execute(_SQL.exists, (pipeline_key, number)).fetchone() is not None


def newest(connection: Readable, pipeline_key: int) -> int | None:
    """The highest number of a version that is there."""
    number: int | None = connection.execute(_SQL.newest, (pipeline_key,)).fetchone()[0]
    return number


def set_notes(transaction: Transaction, pipeline_key: int, number: int, notes: str) -> None:
    transaction.execute(_SQL.set_notes, (notes, pipeline_key, number))


def delete(transaction: Transaction, pipeline_key: int, number: int) -> None:
    """Delete it. Whether it may go, and the holds on it, are the caller's business. Its number is never given again."""
    transaction.execute(_SQL.delete, (pipeline_key, number))


def newest_with_hash(connection: Readable, pipeline_key: int, manifest_hash: str) -> int | None:
    """The highest number of a version with this content."""
    number: int | None = connection.execute(_SQL.newest_with_hash, (pipeline_key, manifest_hash)).fetchone()[0]
    return number


def list_page(connection: Readable, pipeline_key: int, before: int, limit: int) -> list[VersionSummary]:
    """At most `limit` versions with a number below `before`, newest first."""
    return [VersionSummary(*row) for row in connection.execute(_SQL.list_page, (pipeline_key, before, limit))]


def count(connection: Readable, pipeline_key: int) -> int:
    number: int = connection.execute(_SQL.count, (pipeline_key,)).fetchone()[0]
    return number


def pipelines_with_more(connection: Readable, keep: int) -> list[tuple[str, str]]:
    """The pipelines that have more than so many, by namespace and id."""
    return [(row[0], row[1]) for row in connection.execute(_SQL.pipelines_with_more, (keep,))]


def outdated(connection: Readable, pipeline_key: int, keep: int, limit: int) -> list[int]:
    """At most `limit`, oldest first, that are not among the newest `keep`, not frozen, and that no run has."""
    where = {"pipeline_key": pipeline_key, "keep": keep, "limit": limit}
    return [row[0] for row in connection.execute(_SQL.outdated, where)]
