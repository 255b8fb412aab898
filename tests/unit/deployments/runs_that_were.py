"""Runs that have ended as a test says, put into the store as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gofer.server.store.database import Database, Transaction


class Was(NamedTuple):
    """A task run of a run that was: how it ended, and how long the containers of its attempts were there, in ms."""

    status: str = "successful"
    attempts: Sequence[int] = (100,)


class Past:
    """What has been in one pipeline."""

    def __init__(self, database: Database, pipeline_key: int) -> None:
        self._database = database
        self._pipeline_key = pipeline_key

    async def run(
        self,
        version: int,
        status: str = "successful",
        *,
        deployment: int | None = None,
        at: int = 1_000,
        retry_of: int | None = None,
        **tasks: Was,
    ) -> int:
        """One whose tasks came one after the other; it lasted as long as their containers. Returns its number."""
        return await self._database.write(
            lambda tx: self._insert(tx, version, status, deployment, at, retry_of, tasks),
        )

    async def runs(self, count: int, version: int, *, deployment: int | None = None, failed: int = 0, ms: int) -> None:
        """So many of one task `a`, of which so many failed; the n-th took n ms longer than `ms`."""
        for one in range(count):
            ended = "failed" if one < failed else "successful"
            await self.run(version, ended, deployment=deployment, a=Was(ended, (ms + one,)))

    def _insert(
        self,
        tx: Transaction,
        version: int,
        status: str,
        deployment: int | None,
        at: int,
        retry_of: int | None,
        tasks: Mapping[str, Was],
    ) -> int:
        number: int = tx.execute(
            "UPDATE pipelines SET last_run = last_run + 1 WHERE key = ? RETURNING last_run", (self._pipeline_key,)
        ).fetchone()[0]
        took = sum(sum(task.attempts) for task in tasks.values())
        ended = at + took if status in ("successful", "failed", "cancelled") else None
        key = tx.execute(
            "INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count,"
            " created_at, started_at, ended_at, deployment, retry_of)"
            " VALUES (?, 'default', ?, ?, ?, 'user', ?, ?, ?, ?, ?, ?)",
            (self._pipeline_key, number, version, status, len(tasks), at, at, ended, deployment, retry_of),
        ).lastrowid
        for position, (name, task) in enumerate(tasks.items()):
            end = at + sum(task.attempts)
            row = (key, position, name, task.status, at, end)
            tx.execute(
                "INSERT INTO task_runs (run_key, position, id, status, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
            for attempt, ms in enumerate(task.attempts, 1):
                tx.execute(
                    "INSERT INTO attempts (run_key, position, number, uid, container, status, starting_at, running_at,"
                    " ended_at) VALUES (?, ?, ?, ?, 'c', 'successful', ?, ?, ?)",
                    (key, position, attempt, f"{key}-{position}-{attempt}", at, at, at + ms),
                )
                at += ms
        return number
