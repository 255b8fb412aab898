"""A pipeline's tasks by its last runs."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.grid import GridRun
from gofer.models.page import Page
from gofer.server.api import paging, pipelines, runs
from gofer.server.api.endpoint import Call, Endpoint, NoBody, PageQuery, PipelinePath

FewRuns = Annotated[int, msgspec.Meta(ge=1, le=100)]


class GridQuery(PageQuery, frozen=True, kw_only=True):
    limit: FewRuns = 30


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=pipelines.ONE + "/grid",
            handler=_list,
            summary="List the runs of a pipeline with the status of each task run, newest first",
            tag=runs.TAG,
            permission="runs:read",
        ),
    ]


async def _list(call: Call[PipelinePath, GridQuery, NoBody]) -> Page[GridRun]:
    at = call.path
    cursor = paging.number("grid", call.query.cursor)
    found = await call.services.grids.list(at.namespace, at.pipeline, cursor, call.query.limit)
    return paging.page("grid", found, number=True)
