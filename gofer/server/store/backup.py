"""What a backup asks of a database, and what must be put right in one that was restored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("backup")


class LogOf(NamedTuple):
    """Names the log of one attempt, as `gofer.server.logs` does."""

    namespace: str
    pipeline: str
    run: int
    task: str
    attempt: int


class Content(NamedTuple):
    """What the object store has to have: a digest, and its size in bytes."""

    digest: str
    size: int


class CompleteLog(NamedTuple):
    """A log that ought to be there, and the key of its attempt."""

    log: LogOf
    key: tuple[int, int, int]


def attempts_with_logs(connection: sqlite3.Connection) -> Iterator[LogOf]:
    """Every attempt whose log has not expired, in the order in which they were made. Holds one row at a time."""
    for row in connection.execute(_SQL.attempts_with_logs):
        yield _log(row)


def expected_log_bytes(connection: sqlite3.Connection) -> int:
    """About how much those logs take in an archive. Attempts that have not ended count nothing."""
    size: int = connection.execute(_SQL.expected_log_bytes).fetchone()[0]
    return size


def contents(connection: sqlite3.Connection, after: str = "") -> Iterator[Content]:
    """Every content that an object has, once, by digest, from behind `after` on. Holds one row at a time."""
    for row in connection.execute(_SQL.contents, (after,)):
        yield Content(row["digest"], row["size"])


def expected_content_bytes(connection: sqlite3.Connection) -> int:
    """About how much they take in an archive."""
    size: int = connection.execute(_SQL.expected_content_bytes).fetchone()[0]
    return size


def loose_contents(connection: sqlite3.Connection) -> set[str]:
    """Those that an object has let go of, and that will be removed unless another has them."""
    return {row[0] for row in connection.execute(_SQL.loose_contents)}


def an_object_with(connection: sqlite3.Connection, digest: str) -> str:
    """One of the objects that have this content, for people."""
    row = connection.execute(_SQL.an_object_with, (digest,)).fetchone()
    if row is None:
        return f"with the digest {digest}"
    run = "" if row["run"] is None else f" of run {row['run']}"
    return f"{row['name']}{run} of the pipeline {row['namespace']}/{row['pipeline']}"


def has_objects(connection: sqlite3.Connection) -> bool:
    """Whether the database, of whatever schema, has any object."""
    table = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'objects'").fetchone()
    return table is not None and connection.execute("SELECT 1 FROM objects LIMIT 1").fetchone() is not None


def complete_logs(connection: Readable) -> list[CompleteLog]:
    """The logs of ended attempts that printed something and have not expired."""
    return [
        CompleteLog(_log(row), (row["run_key"], row["position"], row["attempt"]))
        for row in connection.execute(_SQL.complete_logs)
    ]


def expire_attempts(tx: Transaction, keys: Sequence[tuple[int, int, int]]) -> None:
    """Record that the logs of these attempts are not there."""
    tx.executemany(_SQL.expire_attempt, keys)


def _log(row: sqlite3.Row) -> LogOf:
    return LogOf(row["namespace"], row["pipeline"], row["run"], row["task"], row["attempt"])
