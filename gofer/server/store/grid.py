"""The newest runs of one pipeline with their task runs: two queries, whatever there is."""

from __future__ import annotations

import msgspec

from gofer.models.grid import GridRun, GridTask
from gofer.models.status import RunStatus, TaskStatus
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable

_SQL = load("grid")
_STATUSES = {status.value: status for status in TaskStatus}


def grid(connection: Readable, pipeline_key: int, before: int, limit: int, most_tasks: int) -> list[GridRun]:
    """At most `limit` runs with a number below `before`, newest first, each with its first `most_tasks` task runs."""
    found: dict[int, GridRun] = {}
    for row in connection.execute(_SQL.runs, {"pipeline_key": pipeline_key, "before": before, "limit": limit}):
        key, number, version, status, created_at, started_at, ended_at, task_count = row
        found[key] = GridRun(
            id=number,
            status=RunStatus(status),
            created_at=created_at,
            started_at=started_at,
            ended_at=ended_at,
            version=version,
            task_count=task_count,
        )
    where = {"run_keys": msgspec.json.encode(list(found)).decode(), "most": most_tasks}
    for key, task, status, attempt, started_at, ended_at in connection.execute(_SQL.task_runs, where):
        one = GridTask(id=task, status=_STATUSES[status], attempt=attempt, started_at=started_at, ended_at=ended_at)
        found[key].tasks.append(one)
    return list(found.values())
