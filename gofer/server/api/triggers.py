"""Triggers: install, look at, change, uninstall."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.page import Page
from gofer.models.trigger import (
    InstallTrigger,
    ProbeTrigger,
    Trigger,
    TriggerDebug,
    TriggerInfo,
    TriggerLog,
    UpdateTrigger,
)
from gofer.server.api import paging
from gofer.server.api.author import author
from gofer.server.api.endpoint import MAX_NUMBER, Call, Endpoint, Id, Input, NoBody, NoPath, NoQuery, PageQuery

ALL = "/api/v1/triggers"
ONE = ALL + "/{trigger}"
LOG = ONE + "/log"
SESSION = ONE + "/session"
TAG = "triggers"


class TriggerPath(Input, frozen=True):
    trigger: Id


class UninstallQuery(Input, frozen=True, kw_only=True):
    """`force`: also where pipelines use it."""

    force: bool = False


class LogQuery(Input, frozen=True, kw_only=True):
    """The newest `lines` that are newer than the line `after`."""

    lines: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    after: Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)] = 0


def endpoints() -> list[Endpoint]:
    """The routes of this noun. No Idempotency-Key where settings may hold secrets."""
    return [
        Endpoint(method="GET", path=ALL, handler=_list, summary="List triggers", tag=TAG, permission="triggers:read"),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_install,
            summary="Install a trigger, and start it",
            tag=TAG,
            status=201,
            errors=(409,),
            permission="triggers:write",
            keeps=False,
        ),
        Endpoint(
            method="POST",
            path=ALL + "/probe",
            handler=_probe,
            summary="Start a trigger only to ask what it is, and what settings it takes",
            tag=TAG,
            permission="triggers:write",
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="A trigger, and how it is",
            tag=TAG,
            permission="triggers:read",
        ),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=_update,
            summary="Enable or disable a trigger, give it other settings or another image",
            tag=TAG,
            permission="triggers:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_uninstall,
            summary="Uninstall a trigger",
            tag=TAG,
            status=204,
            errors=(409,),
            permission="triggers:delete",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/restart",
            handler=_restart,
            summary="Stop a trigger and start it anew, also one that has failed",
            tag=TAG,
            errors=(409,),
            permission="triggers:write",
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=LOG,
            handler=_log,
            summary="What a trigger says",
            tag=TAG,
            permission="triggers:read",
        ),
        Endpoint(
            method="GET",
            path=ONE + "/debug",
            handler=_debug,
            summary="What a trigger tells of its own state",
            tag=TAG,
            permission="triggers:read",
        ),
    ]


async def _list(call: Call[NoPath, PageQuery, NoBody]) -> Page[Trigger]:
    cursor = paging.text("triggers", call.query.cursor)
    return paging.page("triggers", await call.services.triggers.list(cursor, call.query.limit))


async def _install(call: Call[NoPath, NoQuery, InstallTrigger]) -> Trigger:
    return await call.services.triggers.install(call.body, by=await author(call))


async def _probe(call: Call[NoPath, NoQuery, ProbeTrigger]) -> TriggerInfo:
    return await call.services.triggers.probe(call.body.image, call.body.options)


async def _get(call: Call[TriggerPath, NoQuery, NoBody]) -> Trigger:
    return await call.services.triggers.get(call.path.trigger)


async def _update(call: Call[TriggerPath, NoQuery, UpdateTrigger]) -> Trigger:
    return await call.services.triggers.update(call.path.trigger, call.body, by=await author(call))


async def _restart(call: Call[TriggerPath, NoQuery, NoBody]) -> Trigger:
    return await call.services.triggers.restart(call.path.trigger)


async def _uninstall(call: Call[TriggerPath, UninstallQuery, NoBody]) -> None:
    await call.services.triggers.uninstall(call.path.trigger, force=call.query.force, by=await author(call))


async def _log(call: Call[TriggerPath, LogQuery, NoBody]) -> TriggerLog:
    return await call.services.triggers.log(call.path.trigger, call.query.lines, call.query.after)


async def _debug(call: Call[TriggerPath, NoQuery, NoBody]) -> TriggerDebug:
    return await call.services.triggers.debug(call.path.trigger)
