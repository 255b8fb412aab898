"""Pipelines at a glance, as the API shows them."""

from __future__ import annotations

import msgspec

from gofer.models.hold import HoldKind
from gofer.models.status import RunStatus


class ShapeTask(msgspec.Struct, kw_only=True, frozen=True):
    """A node of a pipeline's shape; `parents` are ids of other nodes of it."""

    id: str
    parents: list[str] = []


class RunMark(msgspec.Struct, kw_only=True):
    """A run, with what is needed to draw it. Times in milliseconds since the epoch."""

    id: int
    status: RunStatus
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None


class PipelineOverview(msgspec.Struct, kw_only=True):
    """A pipeline and how it has been doing.

    `description` is its first line. `version` is the live one (0: none); `tasks` are the first 200 of its `task_count`,
    not fanned out, or those of the newest version where none is live. `runs` counts all runs there have been,
    `last_runs` are the newest 30 at most, from the oldest to the newest; `success_rate` is the part of the successful
    among those of them that were successful or failed. `running` and `queued` count up to
    1,000. `next_start` is when a trigger will start it, as far as the triggers know (milliseconds since the epoch).
    Without the permission to read its runs, there are none of them.
    """

    id: str
    name: str = ""
    description: str = ""
    enabled: bool = True
    version: int
    holds: list[HoldKind] = []
    deployment: int | None = None
    tasks: list[ShapeTask] = []
    task_count: int = 0
    runs: int = 0
    last_runs: list[RunMark] = []
    success_rate: float | None = None
    running: int = 0
    queued: int = 0
    next_start: int | None = None
