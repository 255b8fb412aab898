from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.logs.logs import Logs
from gofer.server.statistics import history
from gofer.server.statistics.record import Recorder
from gofer.server.statistics.tables import HOUR, WEEK
from gofer.server.store.database import Database, Transaction

NOW = 3 * WEEK


class SetClock(Clock):
    def now(self) -> int:
        return NOW


@pytest.fixture
def recorder(database: Database, tmp_path: Path) -> Recorder:
    return Recorder(database, SetClock(), Logs(tmp_path / "logs", SetClock()), tmp_path, tmp_path / "logs")


def add(tx: Transaction, number: int, status: str, *times: int | None) -> None:
    """A run with the times at which it was created, began and ended."""
    created, started, ended = (*times, None, None)[:3]
    tx.execute(
        "INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count, created_at,"
        " started_at, ended_at) VALUES (1, 'default', ?, 1, ?, 'user', 0, ?, ?, ?)",
        (number, status, created, started, ended),
    )


async def test_a_new_server_knows_the_runs_of_the_last_week(database: Database, recorder: Recorder) -> None:
    def fill(tx: Transaction) -> None:
        add(tx, 1, "successful", 1, 2, 3)
        add(tx, 2, "running", NOW - 2 * WEEK, NOW - 2 * WEEK)
        add(tx, 3, "failed", NOW - 5 * HOUR, NOW - 5 * HOUR + 400, NOW - 4 * HOUR)
        add(tx, 4, "queued", NOW - HOUR)

    await database.write(fill)
    await recorder.load()
    told = recorder.statistics("week")
    assert told.runs_since == NOW - WEEK
    assert sum(told.created) == 2
    assert (sum(told.successful), told.failed[-5]) == (0, 1)
    assert told.running[-7:] == [1, 2, 2, 1, 1, 1, 1]
    assert told.queued[-3:] == [0, 1, 1]
    assert told.wait_median[-6] == pytest.approx(400, rel=0.05)


async def test_of_a_long_history_only_the_newest_runs_are_looked_at(database: Database) -> None:
    def fill(tx: Transaction) -> None:
        add(tx, 1, "running", NOW - 9 * HOUR, NOW - 9 * HOUR)
        for number in range(2, 40):
            at = NOW - 8 * HOUR + number * 1_000
            add(tx, number, "successful", at, at, at)

    await database.write(fill)
    found = await database.read(lambda connection: history.read(connection, NOW, looked_at=10))
    assert found.runs_since == NOW - 8 * HOUR + 30_000
    steps = list(found.tables.hours.until(NOW))
    assert sum(step.created for step in steps) == 11
    assert steps[-1].running == 1


async def test_reading_the_newest_runs_goes_along_the_key(database: Database) -> None:
    from gofer.server.store.queries import load

    def plan(connection: sqlite3.Connection) -> list[str]:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {load('statistics').newest_runs}", {"limit": 10})
        return [row[3] for row in rows]

    assert not [line for line in await database.read(plan) if "TEMP B-TREE" in line]


async def test_what_is_committed_while_the_store_is_read_counts_once(database: Database, recorder: Recorder) -> None:
    database.on_commit = recorder.committed

    def create(tx: Transaction) -> None:
        add(tx, 1, "queued", NOW)
        tx.emit(Kind.RUN_QUEUED, NOW, namespace="default", pipeline="p", run=1)

    await database.write(create)
    await recorder.load()
    told = recorder.statistics("hour")
    assert (told.created[-1], told.queued[-1]) == (1, 1)


async def test_events_are_counted(database: Database, recorder: Recorder) -> None:
    await recorder.load()
    database.on_commit = recorder.committed

    def live(tx: Transaction) -> None:
        tx.emit(Kind.RUN_QUEUED, NOW, namespace="default", pipeline="p", run=1)
        tx.emit(Kind.RUN_STARTED, NOW, namespace="default", pipeline="p", run=1)
        tx.emit(Kind.TASKRUN_ENDED, NOW, namespace="default", pipeline="p", run=1, task="t", data={"status": "failed"})
        tx.emit(Kind.RUN_ENDED, NOW, namespace="default", pipeline="p", run=1, data={"status": "failed"})

    await database.write(live)
    told = recorder.statistics("hour")
    assert (told.created[-1], told.failed[-1], told.successful[-1], told.cancelled[-1]) == (1, 1, 0, 0)
    assert (told.running[-1], told.queued[-1], told.duration_median[-1]) == (1, 1, 0)


async def test_sizes_are_measured(recorder: Recorder) -> None:
    assert recorder.statistics("hour").store_bytes == [None] * 60
    await recorder.measure()
    told = recorder.statistics("hour")
    assert (told.store_bytes[-1] or 0) > 0
    assert (told.disk_free[-1] or 0) > 0
    assert (told.log_bytes[-1], told.object_bytes[-1], told.events_kept[-1]) == (0, 0, 0)
    assert told.store_bytes[-2] is None
