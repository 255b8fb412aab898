"""How many runs there are of each status: kept with every change, right after any."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from gofer.models.status import Reason, RunStatus
from gofer.server.store import diagnosis, pipelines, runs
from gofer.server.store.database import Database, Transaction
from gofer.server.store.migrate import migrate, migrations
from tests.unit.store.seed import add_pipeline, add_run


async def in_step(database: Database) -> dict[str, int]:
    kept = await database.read(diagnosis.runs_by_status)
    assert {status: count for status, count in kept.items() if count} == await database.read(
        diagnosis.count_runs_by_status
    )
    return kept


async def test_counts_follow_every_change(database: Database) -> None:
    chance = random.Random(7)
    first, second = await database.write(lambda tx: (add_pipeline(tx, "a"), add_pipeline(tx, "b")))
    ends = [RunStatus.SUCCESSFUL, RunStatus.FAILED, RunStatus.CANCELLED]

    def live(tx: Transaction) -> None:
        for number in range(1, 101):
            key = add_run(tx, chance.choice([first, second]), number)
            if chance.random() < 0.8:
                runs.set_running(tx, key, 1)
            if chance.random() < 0.7:
                runs.set_ended(tx, key, chance.choice(ends), Reason.NONE, "", 2)

    await database.write(live)
    counts = await in_step(database)
    assert sum(counts.values()) == 100
    await database.write(lambda tx: pipelines.delete_some_runs(tx, first))
    await in_step(database)
    await database.write(lambda tx: pipelines.delete(tx, second))
    assert sum((await in_step(database)).values()) == 0


async def test_a_work_that_fails_counts_nothing(database: Database) -> None:
    key = await database.write(lambda tx: add_pipeline(tx, "a"))

    def fail(tx: Transaction) -> None:
        add_run(tx, key, 1)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)
    assert await in_step(database) == {}


def test_an_older_file_is_counted_when_it_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, migrations()[:1])
    connection.execute("INSERT INTO namespaces VALUES ('default', '', '', 1, 1)")
    key = add_pipeline(Transaction(connection), "p")
    statuses = ["failed", "failed", "running"]
    for number, status in enumerate(statuses, start=1):
        connection.execute(
            "INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count,"
            " created_at) VALUES (?, 'default', ?, 1, ?, 'user', 0, 1)",
            (key, number, status),
        )
    migrate(connection, path, migrations())
    assert dict(connection.execute("SELECT status, runs FROM run_counts")) == {"failed": 2, "running": 1}
    connection.execute("UPDATE runs SET status = 'failed' WHERE status = 'running'")
    assert dict(connection.execute("SELECT status, runs FROM run_counts")) == {"failed": 3, "running": 0}
    connection.close()


async def test_a_pipelines_unfinished_runs_are_found_without_looking_at_others(database: Database) -> None:
    def plan(connection: sqlite3.Connection) -> str:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {runs._SQL.unfinished_of_pipeline}", (1,))
        return " ".join(row[3] for row in rows)

    assert "runs_unfinished_of_pipeline (pipeline_key=?)" in await database.read(plan)
