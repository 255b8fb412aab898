"""Task runs: look up, cancel."""

from __future__ import annotations

from gofer.models.page import Page
from gofer.models.run import TaskAttempt, TaskRun, TaskRunDetail
from gofer.server.api import paging, runs
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoQuery, PageQuery, RunPath, TaskPath

ALL = runs.ONE + "/tasks"
ONE = ALL + "/{task}"
TAG = "task runs"


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the task runs of a run",
            tag=TAG,
            permission="runs:read",
        ),
        Endpoint(
            method="GET",
            path=runs.ONE + "/attempts",
            handler=_attempts,
            summary="List all attempts of all task runs of a run",
            tag=TAG,
            permission="runs:read",
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="Get a task run with its attempts and variables",
            tag=TAG,
            permission="runs:read",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/cancel",
            handler=_cancel,
            summary="Cancel one task run: it ends soon, or has ended",
            tag=TAG,
            permission="runs:write",
            status=202,
            errors=(409,),
        ),
    ]


async def _list(call: Call[RunPath, PageQuery, NoBody]) -> Page[TaskRun]:
    at = call.path
    cursor = paging.number("task runs", call.query.cursor)
    found = await call.services.runs.task_runs(at.namespace, at.pipeline, at.run, cursor, call.query.limit)
    return paging.page("task runs", found, number=True)


async def _attempts(call: Call[RunPath, PageQuery, NoBody]) -> Page[TaskAttempt]:
    at = call.path
    cursor = paging.number("attempts", call.query.cursor)
    found = await call.services.runs.attempts(at.namespace, at.pipeline, at.run, cursor, call.query.limit)
    return paging.page("attempts", found, number=True)


async def _get(call: Call[TaskPath, NoQuery, NoBody]) -> TaskRunDetail:
    at = call.path
    return await call.services.runs.task_run(at.namespace, at.pipeline, at.run, at.task)


async def _cancel(call: Call[TaskPath, NoQuery, NoBody]) -> TaskRun:
    at = call.path
    return await call.services.runs.cancel_task(at.namespace, at.pipeline, at.run, at.task)
