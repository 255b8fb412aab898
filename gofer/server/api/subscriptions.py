"""Subscriptions of a pipeline: list, look up, add, take away."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.page import Page
from gofer.models.trigger import AddSubscription, Subscribed
from gofer.server.api import paging, pipelines
from gofer.server.api.endpoint import Call, Endpoint, Id, Input, NoBody, NoQuery, PageQuery, PipelinePath
from gofer.server.api.may_subscribe import check_triggers

ALL = pipelines.ONE + "/subscriptions"
ONE = ALL + "/{label}"
TAG = "subscriptions"

Count = Annotated[int, msgspec.Meta(ge=0, le=100)]


class SubscriptionPath(PipelinePath, frozen=True, kw_only=True):
    label: Id


class NextQuery(Input, frozen=True):
    """`next`: so many of the next times at which it will fire, where its trigger knows."""

    next: Count = 10


class SubscriptionsQuery(PageQuery, frozen=True, kw_only=True):
    """`next`: so many of the next times at which each will fire, where its trigger knows."""

    next: Count = 0


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the subscriptions of a pipeline, and how each stands with its trigger",
            tag=TAG,
            permission="pipelines:read",
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_add,
            summary="Add a subscription beside those of the manifest",
            tag=TAG,
            permission="pipelines:write",
            status=201,
            errors=(409,),
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="Get a subscription, with the next times at which it will fire",
            tag=TAG,
            permission="pipelines:read",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_remove,
            summary="Take away a subscription that was added",
            tag=TAG,
            permission="pipelines:write",
            status=204,
            errors=(409,),
        ),
    ]


async def _list(call: Call[PipelinePath, SubscriptionsQuery, NoBody]) -> Page[Subscribed]:
    at, query = call.path, call.query
    cursor = paging.text("subscriptions", query.cursor)
    found = await call.services.subscriptions.list(at.namespace, at.pipeline, cursor, query.limit, query.next)
    return paging.page("subscriptions", found)


async def _add(call: Call[PipelinePath, NoQuery, AddSubscription]) -> Subscribed:
    at = call.path
    await check_triggers(call.caller, call.services, at.namespace, {call.body.trigger})
    return await call.services.subscriptions.add(at.namespace, at.pipeline, call.body, also=call.remember)


async def _get(call: Call[SubscriptionPath, NextQuery, NoBody]) -> Subscribed:
    at = call.path
    return await call.services.subscriptions.get(at.namespace, at.pipeline, at.label, call.query.next)


async def _remove(call: Call[SubscriptionPath, NoQuery, NoBody]) -> None:
    at = call.path
    await call.services.subscriptions.remove(at.namespace, at.pipeline, at.label)
