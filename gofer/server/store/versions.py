"""Rows of versions. A version never changes."""

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


class VersionSummary(NamedTuple):
    """A version without its manifest, which may be large."""

    number: int
    hash: str
    created_at: int


def insert(
    transaction: Transaction, pipeline_key: int, *, number: int, manifest_hash: str, manifest_json: str, at: int
) -> None:
    """Raises sqlite3.IntegrityError if that number is taken."""
    transaction.execute(_SQL.insert, (pipeline_key, number, manifest_hash, at, manifest_json))


def get(connection: Readable, pipeline_key: int, number: int) -> VersionRow | None:
    row = connection.execute(_SQL.get, (pipeline_key, number)).fetchone()
    return VersionRow(row["number"], row["hash"], row["manifest"], row["created_at"]) if row else None


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
