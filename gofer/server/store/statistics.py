"""When runs were created, began and ended, for those who count them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from gofer.server.store.queries import load

_SQL = load("statistics")


class Times(NamedTuple):
    """Of one run, in milliseconds since the Unix epoch."""

    namespace: str
    pipeline: str
    number: int
    status: str
    created_at: int
    started_at: int | None
    ended_at: int | None


def newest_runs(connection: sqlite3.Connection, limit: int) -> Iterator[Times]:
    """So many, the newest first."""
    return map(Times._make, connection.execute(_SQL.newest_runs, {"limit": limit}))


def unfinished(connection: sqlite3.Connection, limit: int) -> Iterator[Times]:
    """So many that have not ended, however old they are; the oldest first."""
    return map(Times._make, connection.execute(_SQL.unfinished, {"limit": limit}))
