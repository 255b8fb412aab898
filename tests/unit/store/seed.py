"""Rows to test with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from gofer.models.event import Kind
from gofer.server.store import pipelines
from gofer.server.store.database import Database, Transaction


def add_pipeline(tx: Transaction, pipeline: str, namespace: str = "default") -> int:
    return pipelines.insert(tx, namespace=namespace, pipeline=pipeline, name="", description="", at=1)


def add_run(tx: Transaction, pipeline_key: int, number: int, tasks: int = 0) -> int:
    """A run with `tasks` task runs of one attempt each; returns its key."""
    key = tx.execute(
        "INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count, created_at)"
        " VALUES (?, 'default', ?, 1, 'queued', 'user', ?, 1)",
        (pipeline_key, number, tasks),
    ).lastrowid
    assert key is not None
    for position in range(tasks):
        row = (key, position, f"t{position}")
        tx.execute("INSERT INTO task_runs (run_key, position, id, status) VALUES (?, ?, ?, 'waiting')", row)
        tx.execute(
            "INSERT INTO attempts (run_key, position, number, uid, container, status, starting_at)"
            " VALUES (?, ?, 1, ?, 'c', 'running', 1)",
            (key, position, f"{key}-{position}"),
        )
    return key


def note(number: int, kind: Kind = Kind.RUN_QUEUED) -> Callable[[Transaction], int]:
    """A work that emits one event with this run number and returns it."""

    def work(tx: Transaction) -> int:
        tx.emit(kind, at=number, namespace="default", pipeline="p", run=number)
        return number

    return work


class Gate:
    """Holds the writer's thread inside a work, so that others queue up behind it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entered = asyncio.Event()
        self._leave = threading.Event()
        self._task: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Gate:
        loop = asyncio.get_running_loop()

        def work(tx: Transaction) -> None:
            loop.call_soon_threadsafe(self._entered.set)
            self._leave.wait(30)

        self._task = asyncio.create_task(self._database.write(work))
        await self._entered.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        assert self._task is not None
        await self._task
