"""Runs: start, look up, cancel, retry."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.common_task import Notification
from gofer.models.page import Page
from gofer.models.run import Cancelled, Initiator, RetryRun, Run, RunGraph, StartedRun, StartRun
from gofer.models.status import RunStatus
from gofer.server import correlation
from gofer.server.api import namespaces, paging, pipelines
from gofer.server.api.endpoint import Call, Endpoint, NamespacePath, NoBody, NoQuery, PageQuery, PipelinePath, RunPath
from gofer.server.auth.caller import Caller

ALL = pipelines.ONE + "/runs"
ONE = ALL + "/{run}"
TAG = "runs"


CorrelationId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class RunsQuery(PageQuery, frozen=True, kw_only=True):
    """`correlation_id`: only what the request of that id has started."""

    status: RunStatus | None = None
    correlation_id: CorrelationId | None = None


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=namespaces.ONE + "/runs",
            handler=_list_of_namespace,
            summary="List the runs of a namespace, newest first",
            tag=TAG,
            permission="runs:read",
            filtered=True,
        ),
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the runs of a pipeline, newest first",
            tag=TAG,
            permission="runs:read",
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_start,
            summary="Start a run",
            tag=TAG,
            permission="runs:run",
            status=201,
            errors=(409,),
        ),
        Endpoint(
            method="POST",
            path=ALL + "/cancel",
            handler=_cancel_all,
            summary="Cancel every run of a pipeline that has not ended",
            tag=TAG,
            permission="runs:write",
        ),
        Endpoint(method="GET", path=ONE, handler=_get, summary="Get a run", tag=TAG, permission="runs:read"),
        Endpoint(
            method="GET",
            path=ONE + "/graph",
            handler=_graph,
            summary="Get the tasks of a run, what each depends on, and the task runs that it has become",
            tag=TAG,
            permission="runs:read",
        ),
        Endpoint(
            method="GET",
            path=ONE + "/notifications",
            handler=_notifications,
            summary="List what notifiers have told, or are to tell, of a run that has ended",
            tag=TAG,
            permission="runs:read",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/cancel",
            handler=_cancel,
            summary="Cancel a run: it ends soon, or has ended",
            tag=TAG,
            permission="runs:write",
            status=202,
        ),
        Endpoint(
            method="POST",
            path=ONE + "/retry",
            handler=_retry,
            summary="Run an ended run again, whole or from what failed",
            tag=TAG,
            permission="runs:write",
            status=201,
            errors=(409,),
        ),
    ]


async def _list_of_namespace(call: Call[NamespacePath, RunsQuery, NoBody]) -> Page[Run]:
    query = call.query
    cursor = paging.number("namespace runs", query.cursor)
    seen = call.caller.sight("runs:read").pipelines_of(call.path.namespace)
    found = await call.services.runs.list(
        call.path.namespace, None, query.status, cursor, query.limit, query.correlation_id, seen
    )
    return paging.page("namespace runs", found, number=True)


async def _list(call: Call[PipelinePath, RunsQuery, NoBody]) -> Page[Run]:
    query = call.query
    cursor = paging.number("runs", query.cursor)
    found = await call.services.runs.list(
        call.path.namespace, call.path.pipeline, query.status, cursor, query.limit, query.correlation_id
    )
    return paging.page("runs", found, number=True)


async def _start(call: Call[PipelinePath, NoQuery, StartRun]) -> StartedRun:
    return await call.services.runs.start(
        call.path.namespace,
        call.path.pipeline,
        parameters=call.body.parameters,
        version=call.body.version,
        initiator=_initiator(call.caller),
        correlation_id=correlation.origin().correlation_id,
        also=call.remember,
    )


def _initiator(caller: Caller) -> Initiator:
    if caller.token:
        return Initiator(kind="token", name=caller.token)
    return Initiator(kind="task", name=caller.path) if caller.kind == "run" else Initiator()


async def _get(call: Call[RunPath, NoQuery, NoBody]) -> Run:
    at = call.path
    return await call.services.runs.get(at.namespace, at.pipeline, at.run)


async def _graph(call: Call[RunPath, NoQuery, NoBody]) -> RunGraph:
    at = call.path
    return await call.services.runs.graph(at.namespace, at.pipeline, at.run)


async def _notifications(call: Call[RunPath, PageQuery, NoBody]) -> Page[Notification]:
    at = call.path
    cursor = paging.number("notifications", call.query.cursor)
    found = await call.services.outbox.of_run(at.namespace, at.pipeline, at.run, cursor, call.query.limit)
    return paging.page("notifications", found, number=True)


async def _cancel(call: Call[RunPath, NoQuery, NoBody]) -> Run:
    at = call.path
    return await call.services.runs.cancel(at.namespace, at.pipeline, at.run)


async def _cancel_all(call: Call[PipelinePath, NoQuery, NoBody]) -> Cancelled:
    at = call.path
    return Cancelled(runs=await call.services.runs.cancel_all(at.namespace, at.pipeline))


async def _retry(call: Call[RunPath, NoQuery, RetryRun]) -> StartedRun:
    at = call.path
    return await call.services.runs.retry(
        at.namespace,
        at.pipeline,
        at.run,
        from_failed=call.body.from_failed,
        correlation_id=correlation.origin().correlation_id,
        also=call.remember,
    )
