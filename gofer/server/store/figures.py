"""What runs have done, for those who compare versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from gofer.models.status import RunStatus, TaskStatus
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable

_SQL = load("figures")


class RunFigures(NamedTuple):
    """`duration` in milliseconds, from start to end; None: it has not ended, or never started."""

    key: int
    status: RunStatus
    duration: int | None
    task_count: int


class TaskRunFigures(NamedTuple):
    """`container_ms`: how long the containers of its attempts were there, together, as far as they have ended."""

    run_key: int
    id: str
    status: TaskStatus
    duration: int | None
    attempts: int
    container_ms: int


def of_deployment(
    connection: Readable, pipeline_key: int, deployment: int, version: int, limit: int
) -> list[RunFigures]:
    """Of the newest runs that the deployment has given this version, newest first; no retries."""
    where = {"pipeline_key": pipeline_key, "deployment": deployment, "version": version, "limit": limit}
    return [_run(*row) for row in connection.execute(_SQL.of_deployment, where)]


def of_version(
    connection: Readable, pipeline_key: int, version: int, since: int, until: int, limit: int
) -> list[RunFigures]:
    """Of the newest runs of a version that were made from `since` on and before `until`, in milliseconds; newest first;
    neither retries nor smoke runs."""
    where = {"pipeline_key": pipeline_key, "version": version, "since": since, "until": until, "limit": limit}
    return [_run(*row) for row in connection.execute(_SQL.of_version, where)]


def task_runs(connection: Readable, run_keys: Sequence[int]) -> Iterator[TaskRunFigures]:
    """Of all task runs of these runs, run by run, in the order of the tasks."""
    keys = msgspec.json.encode(sorted(run_keys)).decode()
    for run_key, task, status, duration, attempts, ms in connection.execute(_SQL.task_runs, {"run_keys": keys}):
        yield TaskRunFigures(run_key, task, TaskStatus(status), _passed(duration), attempts, max(0, ms))


def _run(key: int, status: str, duration: int | None, task_count: int) -> RunFigures:
    return RunFigures(key, RunStatus(status), _passed(duration), task_count)


def _passed(duration: int | None) -> int | None:
    # A clock that was set back makes no time negative.
    return None if duration is None else max(0, duration)
