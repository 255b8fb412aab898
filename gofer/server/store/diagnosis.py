"""What the database tells of its own health and of the runs in it."""

from __future__ import annotations

import sqlite3
import time
from typing import NamedTuple

from gofer.server.store.queries import load

_SQL = load("diagnosis")
_STEPS_BETWEEN_LOOKS = 50_000


class RunName(NamedTuple):
    namespace: str
    pipeline: str
    number: int

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pipeline} {self.number}"


def runs_by_status(connection: sqlite3.Connection) -> dict[str, int]:
    """How many runs there are of each status that ever occurred, as the store keeps count."""
    return {row[0]: row[1] for row in connection.execute(_SQL.runs_by_status)}


def count_runs_by_status(connection: sqlite3.Connection) -> dict[str, int]:
    """The same, counted anew: looks at every run."""
    return {row[0]: row[1] for row in connection.execute(_SQL.count_runs_by_status)}


def latest_event_at(connection: sqlite3.Connection) -> int | None:
    """The latest time that one of the newest events has, in milliseconds since the Unix epoch."""
    row = connection.execute(_SQL.latest_event_at).fetchone()
    return row[0] if row else None


def ended_but_running(connection: sqlite3.Connection, before: int, limit: int) -> list[RunName]:
    """Runs that still stand as running though all of their task runs had ended before that time."""
    rows = connection.execute(_SQL.ended_but_running, {"before": before, "limit": limit})
    return [RunName(*row) for row in rows]


def never_cancelled(connection: sqlite3.Connection, before: int, limit: int) -> list[RunName]:
    """Runs that were to be cancelled before that time and have not ended."""
    rows = connection.execute(_SQL.never_cancelled, {"before": before, "limit": limit})
    return [RunName(*row) for row in rows]


class KnownLog(NamedTuple):
    """An attempt whose log has something in it."""

    namespace: str
    pipeline: str
    run: int
    task: str
    attempt: int


def newest_logs(connection: sqlite3.Connection, runs: int) -> list[KnownLog]:
    """The logs that are complete and not empty, of as many of the newest runs that have theirs."""
    return [KnownLog(*row) for row in connection.execute(_SQL.newest_logs, (runs,))]


def oldest_queued_at(connection: sqlite3.Connection) -> int | None:
    """Since when the run waits that waits longest, in milliseconds since the Unix epoch."""
    row = connection.execute(_SQL.oldest_queued).fetchone()
    return row[0] if row else None


def integrity(connection: sqlite3.Connection, seconds: float, *, deep: bool) -> list[str] | None:
    """What is wrong with the file, at most 10 findings of SQLite's; None if that takes longer than `seconds`.

    `deep`: indexes are compared with their tables, references followed, and the runs counted anew, too.
    """
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS_BETWEEN_LOOKS)
    try:
        pragma = "integrity_check" if deep else "quick_check"
        findings = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}(10)")]
        findings = [] if findings == ["ok"] else findings
        if deep:
            findings += _inconsistencies(connection)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return findings


def _inconsistencies(connection: sqlite3.Connection) -> list[str]:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    findings = [] if broken is None else [f"a row of {broken[0]} refers to a missing row of {broken[2]}"]
    kept = {status: count for status, count in runs_by_status(connection).items() if count}
    counted = count_runs_by_status(connection)
    return findings if kept == counted else [*findings, f"the counts of runs are {kept}, but there are {counted}"]
