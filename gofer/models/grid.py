"""Tasks by runs, as the API shows them."""

from __future__ import annotations

import msgspec

from gofer.models.overview import RunMark
from gofer.models.status import TaskStatus


class GridTask(msgspec.Struct, kw_only=True):
    """One task run in a grid: `attempt` is the number of its newest attempt. Times in milliseconds since the epoch."""

    id: str
    status: TaskStatus
    attempt: int
    started_at: int | None = None
    ended_at: int | None = None


class GridRun(RunMark, kw_only=True):
    """A run and the first 200 of its `task_count` task runs, in their order."""

    version: int
    task_count: int
    tasks: list[GridTask] = msgspec.field(default_factory=list)
