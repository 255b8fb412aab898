"""Pipelines at a glance."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.overview import PipelineOverview
from gofer.models.page import Page
from gofer.server.api import namespaces, paging, pipelines
from gofer.server.api.endpoint import Call, Endpoint, Id, NamespacePath, NoBody, PageQuery

Ids = Annotated[list[Id], msgspec.Meta(max_length=100)]


class OverviewQuery(PageQuery, frozen=True, kw_only=True):
    """`pipeline`, any number of times: only these."""

    pipeline: Ids = msgspec.field(default_factory=list)


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=namespaces.ONE + "/overview",
            handler=_list,
            summary="The pipelines of a namespace at a glance: shape, last runs, success rate, next start",
            tag=pipelines.TAG,
            permission="pipelines:read",
            filtered=True,
        ),
    ]


async def _list(call: Call[NamespacePath, OverviewQuery, NoBody]) -> Page[PipelineOverview]:
    query, namespace, caller = call.query, call.path.namespace, call.caller
    found = await call.services.overviews.list(
        namespace,
        query.pipeline or None,
        paging.text("overview", query.cursor),
        query.limit,
        caller.sight("pipelines:read").pipelines_of(namespace),
        lambda pipeline: caller.may("runs:read", namespace, (pipeline,)),
    )
    starts = await call.services.next_starts.of(found.subscriptions)
    for item in found.page.items:
        item.next_start = starts.get(item.id)
    return paging.page("overview", found.page)
