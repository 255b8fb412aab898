"""Pipelines at a glance: the shape of each, its last runs, what is under way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gofer.models.overview import PipelineOverview, RunMark
from gofer.models.page import Page
from gofer.models.status import RunStatus
from gofer.server.pipelines.namespaces import require_namespace
from gofer.server.pipelines.shape_cache import ShapeCache
from gofer.server.store import overview
from gofer.server.store.database import Database
from gofer.server.store.patterns import Patterns
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.subscriptions import SubscriptionRow

MOST_RUNS = 30
_MOST_UNFINISHED = 1_000


class Overview(NamedTuple):
    """A page, and the subscriptions of its enabled pipelines."""

    page: Page[PipelineOverview]
    subscriptions: list[SubscriptionRow]


class Overviews:
    """One visit to the store, whatever the number of pipelines."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shapes = ShapeCache()

    async def list(
        self,
        namespace: str,
        wanted: Sequence[str] | None,
        cursor: str | None,
        limit: int,
        seen: Patterns,
        shows_runs: Callable[[str], bool],
    ) -> Overview:
        """Those of `wanted` (None: all) that match `seen`, in the order of ids, with the runs of those of which
        `shows_runs`; the cursor is the last id of the page before. Raises NotFound for the namespace."""

        def work(connection: sqlite3.Connection) -> Overview:
            rows = overview.pipelines(connection, namespace, cursor or "", limit + 1, wanted, seen)
            if not rows:
                require_namespace(connection, namespace)
            following = rows[limit - 1].id if len(rows) > limit else None
            return self._look(connection, rows[:limit], following, shows_runs)

        return await self._database.read(work)

    def _look(
        self,
        connection: sqlite3.Connection,
        rows: Sequence[PipelineRow],
        following: str | None,
        shows_runs: Callable[[str], bool],
    ) -> Overview:
        keys = [row.key for row in rows]
        watched = [row.key for row in rows if shows_runs(row.id)]
        runs = overview.last_runs(connection, watched, MOST_RUNS)
        unfinished = overview.unfinished(connection, watched, _MOST_UNFINISHED)
        held = overview.holds(connection, keys)
        under_way = overview.deployments(connection, keys)
        items = [self._item(connection, row) for row in rows]
        for row, item in zip(rows, items, strict=True):
            item.last_runs = runs.get(row.key, [])
            item.success_rate = success_rate(item.last_runs)
            item.running, item.queued = unfinished.get(row.key, overview.Unfinished())
            item.holds = held.get(row.key, [])
            item.deployment = under_way.get(row.key)
        subscriptions = overview.subscriptions_of(connection, [row.key for row in rows if row.enabled])
        return Overview(Page(items=items, next=following), subscriptions)

    def _item(self, connection: sqlite3.Connection, row: PipelineRow) -> PipelineOverview:
        shape = self._shapes.load(connection, row.key, row.live_version)
        return PipelineOverview(
            id=row.id,
            name=row.name,
            description=row.description.partition("\n")[0],
            enabled=row.enabled,
            version=row.live_version,
            tasks=shape.tasks,
            task_count=shape.task_count,
            runs=row.last_run,
        )


def success_rate(runs: Sequence[RunMark]) -> float | None:
    """The part of the successful among those that were successful or failed; None: there is none."""
    successful = sum(run.status is RunStatus.SUCCESSFUL for run in runs)
    failed = sum(run.status is RunStatus.FAILED for run in runs)
    return successful / (successful + failed) if successful + failed else None
