"""What triggers have told of, and what came of it."""

from __future__ import annotations

from gofer.models.page import Page
from gofer.models.trigger import EventOutcome, TriggerEvent
from gofer.server.api import paging, pipelines
from gofer.server.api.endpoint import Call, Endpoint, Id, Input, NoBody, PageQuery, PipelinePath

OF_TRIGGER = "/api/v1/triggers/{trigger}/events"
OF_PIPELINE = pipelines.ONE + "/trigger-events"
TAG = "triggers"


class OfTriggerPath(Input, frozen=True):
    trigger: Id


class OfTriggerQuery(PageQuery, frozen=True, kw_only=True):
    outcome: EventOutcome | None = None
    namespace: Id | None = None
    pipeline: Id | None = None


class OfPipelineQuery(PageQuery, frozen=True, kw_only=True):
    outcome: EventOutcome | None = None


def endpoints() -> list[Endpoint]:
    """The routes of this noun. Of a pipeline's events one sees those that one may see as events, and those that are
    nobody's if one may see triggers everywhere."""
    return [
        Endpoint(
            method="GET",
            path=OF_TRIGGER,
            handler=_of_trigger,
            summary="List what a trigger has told of, newest first, and what came of it",
            tag=TAG,
            permission="triggers:read",
            filtered=True,
        ),
        Endpoint(
            method="GET",
            path=OF_PIPELINE,
            handler=_of_pipeline,
            summary="List what triggers have told of for a pipeline, newest first, and what came of it",
            tag=TAG,
            permission="events:read",
        ),
    ]


async def _of_trigger(call: Call[OfTriggerPath, OfTriggerQuery, NoBody]) -> Page[TriggerEvent]:
    query = call.query
    found = await call.services.told_events.of_trigger(
        call.path.trigger,
        paging.number("trigger events", query.cursor),
        query.limit,
        seen=call.caller.sight("events:read"),
        nobodys=call.caller.sight("triggers:read").covers(""),
        outcome=query.outcome,
        namespace=query.namespace,
        pipeline=query.pipeline,
    )
    return paging.page("trigger events", found, number=True)


async def _of_pipeline(call: Call[PipelinePath, OfPipelineQuery, NoBody]) -> Page[TriggerEvent]:
    at, query = call.path, call.query
    cursor = paging.number("trigger events", query.cursor)
    found = await call.services.told_events.of_pipeline(at.namespace, at.pipeline, cursor, query.limit, query.outcome)
    return paging.page("trigger events", found, number=True)
