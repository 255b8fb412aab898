"""Looking runs and task runs up."""

from __future__ import annotations

import sqlite3

from gofer.errors import NotFound
from gofer.models.page import Page
from gofer.models.run import GraphTask, Run, RunGraph, TaskAttempt, TaskRun, TaskRunDetail, VariableSource
from gofer.models.status import RunStatus
from gofer.server.common_tasks.provide import hidden
from gofer.server.pipelines.holds import why_waiting
from gofer.server.runs.access import HIDDEN
from gofer.server.runs.cancel import no_run, no_task_run
from gofer.server.runs.context import Context
from gofer.server.runs.plan import Plan
from gofer.server.runs.variables import Origin, Unresolved, resolve
from gofer.server.store import attempts, common_tasks, namespaces, pipelines, runs, task_runs
from gofer.server.store.attempts import AttemptKey
from gofer.server.store.patterns import Patterns
from gofer.server.store.runs import LAST, RunRow
from gofer.server.store.task_runs import TaskRunRow

# More than a task run can have: a position in the list of a run's attempts is one number.
_ATTEMPTS = 2**20


class Reader:
    """Each method is one visit to the store."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self, namespace: str, pipeline: str, number: int) -> Run:
        def work(connection: sqlite3.Connection) -> Run:
            row = _found(connection, namespace, pipeline, number)
            _say_why_waiting(connection, [row])
            return row.run

        return await self._context.database.read(work)

    async def runs(
        self,
        namespace: str,
        pipeline: str | None,
        status: RunStatus | None,
        cursor: int | None,
        limit: int,
        correlation_id: str | None = None,
        seen: Patterns = None,
    ) -> Page[Run]:
        before = LAST if cursor is None else cursor

        def work(connection: sqlite3.Connection) -> list[RunRow]:
            if correlation_id is not None:
                found = runs.list_of_correlation(
                    connection, namespace, pipeline, correlation_id, status, before, limit + 1, seen
                )
            elif pipeline is not None:
                found = runs.list_of_pipeline(connection, namespace, pipeline, status, before, limit + 1)
            else:
                found = runs.list_of_namespace(connection, namespace, status, before, limit + 1, seen)
            if not found:
                _check_exists(connection, namespace, pipeline)
            _say_why_waiting(connection, found)
            return found

        rows = await self._context.database.read(work)
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        following = None if last is None else last.key if pipeline is None else last.run.id
        return Page(items=[row.run for row in rows[:limit]], next=None if following is None else str(following))

    async def task_runs(
        self, namespace: str, pipeline: str, number: int, cursor: int | None, limit: int
    ) -> Page[TaskRun]:
        after = -1 if cursor is None else cursor

        def work(connection: sqlite3.Connection) -> list[TaskRunRow]:
            row = _found(connection, namespace, pipeline, number)
            return task_runs.of_run(connection, row.key, after, limit + 1)

        rows = await self._context.database.read(work)
        following = str(rows[limit - 1].position) if len(rows) > limit else None
        return Page(items=[row.model(namespace, pipeline, number) for row in rows[:limit]], next=following)

    async def attempts(
        self, namespace: str, pipeline: str, number: int, cursor: int | None, limit: int
    ) -> Page[TaskAttempt]:
        position, attempt = (-1, 0) if cursor is None else divmod(cursor, _ATTEMPTS)

        def work(connection: sqlite3.Connection) -> list[tuple[AttemptKey, TaskAttempt]]:
            row = _found(connection, namespace, pipeline, number)
            return attempts.of_run(connection, AttemptKey(row.key, position, attempt), limit + 1)

        found = await self._context.database.read(work)
        last = found[limit - 1][0] if len(found) > limit else None
        following = None if last is None else str(last.position * _ATTEMPTS + last.number)
        return Page(items=[each for _, each in found[:limit]], next=following)

    async def graph(self, namespace: str, pipeline: str, number: int) -> RunGraph:
        def work(connection: sqlite3.Connection) -> RunGraph:
            row = _found(connection, namespace, pipeline, number)
            return _graph(self._context.plans.load(connection, row.pipeline_key, row.run.version))

        return await self._context.database.read(work)

    async def task_run(self, namespace: str, pipeline: str, number: int, task: str) -> TaskRunDetail:
        return await self._context.database.read(lambda c: self._detail(c, namespace, pipeline, number, task))

    def _detail(self, c: sqlite3.Connection, namespace: str, pipeline: str, number: int, task: str) -> TaskRunDetail:
        row = _found(c, namespace, pipeline, number)
        found = task_runs.get(c, row.key, task)
        if found is None:
            raise no_task_run(pipeline, number, task)
        plan = self._context.plans.load(c, row.pipeline_key, row.run.version)
        node = plan.tasks[found.position].node
        api_url, token = self._context.api_url, ""
        if node.task.inject_api_token:
            api_url, token = self._context.access.shown_url(api_url), HIDDEN
        origin = Origin(namespace, pipeline, row.run.version, number, max(1, found.attempt), api_url, token)
        provided = hidden(common_tasks.get(c, node.task.common_task)) if node.task.common_task else None
        try:
            shown, variables = resolve(origin, node, row.run.parameters, None, row.run.variables, provided)
        except Unresolved:
            shown = node.task
            # What could not be resolved is said by the task run's reason; as written is all there is to show.
            variables = [
                VariableSource(name=k, value=v, source="pipeline") for k, v in sorted(node.task.variables.items())
            ]
        plain = found.model(namespace, pipeline, number)
        return TaskRunDetail(
            **{field: getattr(plain, field) for field in plain.__struct_fields__},
            image="" if shown.common_task else shown.image,
            common_task=shown.common_task,
            parents=sorted({plan.tasks[edge.parent].node.id for edge in node.parents}),
            attempts=attempts.of_task_run(c, row.key, found.position),
            variables=variables,
        )


def _graph(plan: Plan) -> RunGraph:
    became: dict[str, list[str]] = {task.id: [] for task in plan.manifest.tasks}
    for planned in plan.tasks:
        became[planned.node.task.id].append(planned.node.id)
    return RunGraph(
        tasks=[
            GraphTask(
                id=task.id,
                image=task.image,
                common_task=task.common_task,
                description=task.description,
                allow_failure=task.allow_failure,
                depends_on=task.depends_on,
                task_runs=became[task.id],
            )
            for task in plan.manifest.tasks
        ]
    )


def _say_why_waiting(connection: sqlite3.Connection, rows: list[RunRow]) -> None:
    """Of those of paused pipelines: a run that waits for a person should tell so."""
    known: dict[int, str] = {}
    for row in rows:
        if row.run.status is RunStatus.QUEUED and row.run.cancel_requested_at is None and not row.run.detail:
            if row.pipeline_key not in known:
                known[row.pipeline_key] = why_waiting(connection, row.pipeline_key, row.run.pipeline)
            row.run.detail = known[row.pipeline_key]


def _found(connection: sqlite3.Connection, namespace: str, pipeline: str, number: int) -> RunRow:
    row = runs.get(connection, namespace, pipeline, number)
    if row is None:
        _check_exists(connection, namespace, pipeline)
        raise no_run(namespace, pipeline, number)
    return row


def _check_exists(connection: sqlite3.Connection, namespace: str, pipeline: str | None) -> None:
    if namespaces.get(connection, namespace) is None:
        raise NotFound(f'there is no namespace "{namespace}"', "List what there is with: gofer namespace list.")
    if pipeline is not None and pipelines.get(connection, namespace, pipeline) is None:
        raise NotFound(
            f'there is no pipeline "{pipeline}" in the namespace "{namespace}"',
            "List what there is with: gofer pipeline list.",
        )
