"""What a deployment's two versions have done, side by side."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gofer.models.comparison import Arm, Comparison, Measures, TaskComparison
from gofer.models.status import RunStatus, TaskStatus
from gofer.server.deployments import statistics
from gofer.server.deployments.choose import SPLITTING
from gofer.server.deployments.differences import differences, estimate
from gofer.server.deployments.rule_state import rule_state
from gofer.server.deployments.view import require_deployment
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import figures
from gofer.server.store.database import Database
from gofer.server.store.deployments import DeploymentRow
from gofer.server.store.figures import RunFigures, TaskRunFigures

_MOST_RUNS = 10_000
_MOST_TASK_RUNS = 20_000
"""Of each version. More would say little more, and cost all others the time that it takes."""

_NEVER = 2**62
_ENDED = (RunStatus.SUCCESSFUL, RunStatus.FAILED)


class Comparisons:
    """Looks up what has been, and calculates. Changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, namespace: str, pipeline: str, deployment: int) -> Comparison:
        """Of the versions of one deployment. Raises NotFound."""

        def work(connection: sqlite3.Connection) -> Comparison:
            row = require_pipeline(connection, namespace, pipeline)
            return _Comparing(connection, require_deployment(connection, row, deployment)).compared(namespace, pipeline)

        return await self._database.read(work)


class _Side(NamedTuple):
    """One version's figures; `tasks`: by the task's id, in the order of the tasks."""

    arm: Arm
    tasks: dict[str, Measures]


class _Comparing:
    def __init__(self, connection: sqlite3.Connection, deployment: DeploymentRow) -> None:
        self._connection = connection
        self._deployment = deployment
        self._splitting = deployment.strategy in SPLITTING

    def compared(self, namespace: str, pipeline: str) -> Comparison:
        one = self._deployment
        old = _side(self._connection, one.from_version, self._old_runs()) if one.from_version else None
        new = _side(self._connection, one.to_version, self._new_runs())
        return Comparison(
            namespace=namespace,
            pipeline=pipeline,
            deployment=one.number,
            basis="side_by_side" if self._splitting else "before_and_after",
            confidence=statistics.CONFIDENCE,
            old=old.arm if old else None,
            new=new.arm,
            difference=differences(old.arm if old else None, new.arm),
            tasks=_tasks(old.tasks if old else {}, new.tasks),
            rule=rule_state(self._connection, one),
        )

    def _old_runs(self) -> list[RunFigures]:
        one = self._deployment
        if self._splitting:
            return self._given(one.from_version)
        until = _NEVER if one.ended_at is None else one.ended_at
        return figures.of_version(self._connection, one.pipeline_key, one.from_version, 0, until, _MOST_RUNS)

    def _new_runs(self) -> list[RunFigures]:
        one = self._deployment
        if self._splitting:
            return self._given(one.to_version)
        if one.status != "completed" or one.ended_at is None:
            return []
        return figures.of_version(self._connection, one.pipeline_key, one.to_version, one.ended_at, _NEVER, _MOST_RUNS)

    def _given(self, version: int) -> list[RunFigures]:
        one = self._deployment
        return figures.of_deployment(self._connection, one.pipeline_key, one.number, version, _MOST_RUNS)


def _side(connection: sqlite3.Connection, version: int, runs: Sequence[RunFigures]) -> _Side:
    counted = [run for run in runs if run.status in _ENDED]
    measured = _measured(counted)
    per_run = {key: [0, 0] for key in measured}
    tasks: dict[str, list[TaskRunFigures]] = {}
    for task_run in figures.task_runs(connection, measured):
        sums = per_run[task_run.run_key]
        sums[0] += task_run.attempts
        sums[1] += task_run.container_ms
        if task_run.status in (TaskStatus.SUCCESSFUL, TaskStatus.FAILED):
            tasks.setdefault(task_run.id, []).append(task_run)
    durations = [run.duration for run in counted if run.duration is not None]
    successful = sum(run.status is RunStatus.SUCCESSFUL for run in counted)
    attempts, containers = [one for one, _ in per_run.values()], [ms / 1000 for _, ms in per_run.values()]
    arm = Arm(
        version=version,
        unfinished=sum(not run.status.ended for run in runs),
        cancelled=sum(run.status is RunStatus.CANCELLED for run in runs),
        successful=successful,
        failed=len(counted) - successful,
        measured=len(measured),
        success_rate=estimate(statistics.share(successful, len(counted)), 100),
        duration_median=estimate(statistics.median(durations)),
        duration_p95=estimate(statistics.quantile(durations, 0.95)),
        attempts=estimate(statistics.mean(attempts)),
        container_seconds=estimate(statistics.mean(containers)),
        container_seconds_total=round(sum(containers), 3),
    )
    return _Side(arm, {id_: _of_task(found) for id_, found in tasks.items()})


def _measured(runs: Iterable[RunFigures]) -> list[int]:
    """The keys of the newest ones, as many as have not too many task runs together."""
    keys: list[int] = []
    total = 0
    for run in runs:
        total += run.task_count
        if keys and total > _MOST_TASK_RUNS:
            break
        keys.append(run.key)
    return keys


def _of_task(found: Sequence[TaskRunFigures]) -> Measures:
    durations = [one.duration for one in found if one.duration is not None]
    successful = sum(one.status is TaskStatus.SUCCESSFUL for one in found)
    return Measures(
        successful=successful,
        failed=len(found) - successful,
        success_rate=estimate(statistics.share(successful, len(found)), 100),
        duration_median=estimate(statistics.median(durations)),
        duration_p95=estimate(statistics.quantile(durations, 0.95)),
        attempts=estimate(statistics.mean([one.attempts for one in found])),
        container_seconds=estimate(statistics.mean([one.container_ms / 1000 for one in found])),
    )


def _tasks(old: dict[str, Measures], new: dict[str, Measures]) -> list[TaskComparison]:
    """In the order of the new version, then what only the old one has."""
    return [
        TaskComparison(id=id_, old=old.get(id_), new=new.get(id_), difference=differences(old.get(id_), new.get(id_)))
        for id_ in dict.fromkeys([*new, *old])
    ]
