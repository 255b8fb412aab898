"""Common tasks: install, look at, upgrade, enable, disable, uninstall."""

from __future__ import annotations

from gofer.models.common_task import (
    CommonTask,
    CommonTaskChanged,
    CommonTaskDeleted,
    InstallCommonTask,
    UpgradeCommonTask,
)
from gofer.models.page import Page
from gofer.server.api import paging
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, Id, Input, NoBody, NoPath, NoQuery, PageQuery

ALL = "/api/v1/common-tasks"
ONE = ALL + "/{common_task}"
TAG = "common tasks"


class CommonTaskPath(Input, frozen=True):
    common_task: Id


class UninstallQuery(Input, frozen=True):
    """`force`: also where pipelines use it."""

    force: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the common tasks that the pipelines of the caller's namespaces may use",
            tag=TAG,
            permission="common_tasks:read",
            filtered=True,
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_install,
            summary="Install a common task",
            tag=TAG,
            status=201,
            errors=(409,),
            permission="common_tasks:write",
            named=_installed_name,
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="Get a common task",
            tag=TAG,
            permission="common_tasks:read",
            filtered=True,
        ),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=_upgrade,
            summary="Change a common task; it holds for what starts from now on",
            tag=TAG,
            permission="common_tasks:write",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/enable",
            handler=_enable,
            summary="Let a common task be used again",
            tag=TAG,
            permission="common_tasks:write",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/disable",
            handler=_disable,
            summary="Let nothing of a common task start any more; what runs goes on",
            tag=TAG,
            permission="common_tasks:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_uninstall,
            summary="Uninstall a common task; with force also one that pipelines use",
            tag=TAG,
            errors=(409,),
            permission="common_tasks:delete",
        ),
    ]


def _installed_name(wanted: InstallCommonTask) -> tuple[str, ...]:
    return (wanted.id,)


async def _list(call: Call[NoPath, PageQuery, NoBody]) -> Page[CommonTask]:
    cursor = paging.text("common tasks", call.query.cursor)
    found = await call.services.common_tasks.list(call.caller, cursor, call.query.limit)
    return paging.page("common tasks", found)


async def _install(call: Call[NoPath, NoQuery, InstallCommonTask]) -> CommonTaskChanged:
    return await call.services.common_tasks.install(call.body, by=await author(call), also=call.remember)


async def _get(call: Call[CommonTaskPath, NoQuery, NoBody]) -> CommonTask:
    return await call.services.common_tasks.get(call.path.common_task, call.caller)


async def _upgrade(call: Call[CommonTaskPath, NoQuery, UpgradeCommonTask]) -> CommonTaskChanged:
    return await call.services.common_tasks.upgrade(call.path.common_task, call.body, by=await author(call))


async def _enable(call: Call[CommonTaskPath, NoQuery, NoBody]) -> CommonTask:
    return await call.services.common_tasks.set_enabled(call.path.common_task, True, by=await author(call))


async def _disable(call: Call[CommonTaskPath, NoQuery, NoBody]) -> CommonTask:
    return await call.services.common_tasks.set_enabled(call.path.common_task, False, by=await author(call))


async def _uninstall(call: Call[CommonTaskPath, UninstallQuery, NoBody]) -> CommonTaskDeleted:
    force = call.query.force
    return await call.services.common_tasks.uninstall(call.path.common_task, force=force, by=await author(call))
