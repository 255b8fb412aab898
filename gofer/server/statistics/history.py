"""What the store tells of the time before the server began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from gofer.server.statistics.tables import WEEK, Tables
from gofer.server.store import events, statistics
from gofer.server.store.statistics import Times

_LOOKED_AT = 20_000


class History(NamedTuple):
    """`runs_since`: from then on every run is counted, in milliseconds since the Unix epoch. `seq`: the newest event
    whose doing is in the tables."""

    tables: Tables
    runs_since: int
    seq: int


def read(connection: sqlite3.Connection, now: int, looked_at: int = _LOOKED_AT) -> History:
    """Goes through the newest runs, and no others, however long the history; and through those that have not ended."""
    newest = list(statistics.newest_runs(connection, looked_at))
    # The longest history that is shown begins there, and so do the tables of a young server.
    since = now - WEEK
    if len(newest) == looked_at:
        since = max(since, min(run.created_at for run in newest))
    runs = {run[:3]: run for run in newest if run.ended_at is None or run.ended_at >= since}
    runs |= {run[:3]: run for run in statistics.unfinished(connection, looked_at)}
    tables = Tables()
    for at, order, run in sorted(_steps(runs.values()), key=lambda step: step[:2]):
        if order == 0:
            tables.created(run[:3], at)
        elif order == 1:
            tables.started(run[:3], at)
        else:
            tables.ended(run[:3], at, run.status)
    return History(tables, since, events.last_seq(connection))


def _steps(runs: Iterable[Times]) -> list[tuple[int, int, Times]]:
    found: list[tuple[int, int, Times]] = []
    for run in runs:
        found.append((run.created_at, 0, run))
        if run.started_at is not None:
            found.append((run.started_at, 1, run))
        if run.ended_at is not None:
            found.append((run.ended_at, 2, run))
    return found
