"""Roles: make, look at, replace, delete."""

from __future__ import annotations

from gofer.models.access import CreateRole, ReplaceRole, Role, RoleDeleted
from gofer.models.page import Page
from gofer.server.api import paging
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, Id, Input, NoBody, NoPath, NoQuery, PageQuery

ALL = "/api/v1/roles"
ONE = ALL + "/{role}"
TAG = "roles"


class RolePath(Input, frozen=True):
    role: Id


class DeleteQuery(Input, frozen=True):
    """`force`: also where tokens have it; they lose it."""

    force: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List roles",
            tag=TAG,
            permission="roles:read",
            filtered=True,
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_create,
            summary="Make a role",
            tag=TAG,
            status=201,
            errors=(409,),
            permission="roles:write",
            filtered=True,
            named=_created_name,
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="Get a role",
            tag=TAG,
            permission="roles:read",
            filtered=True,
        ),
        Endpoint(
            method="PUT",
            path=ONE,
            handler=_replace,
            summary="Say anew what a role allows; what is left out stays; it holds at once for every token that has it",
            tag=TAG,
            errors=(409,),
            permission="roles:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_delete,
            summary="Delete a role; with force also one that tokens have, and lose by that",
            tag=TAG,
            errors=(409,),
            permission="roles:delete",
        ),
    ]


def _created_name(wanted: CreateRole) -> tuple[str, ...]:
    return (wanted.id,)


async def _list(call: Call[NoPath, PageQuery, NoBody]) -> Page[Role]:
    cursor = paging.text("roles", call.query.cursor)
    return paging.page("roles", call.services.roles.list(call.caller, cursor, call.query.limit))


async def _create(call: Call[NoPath, NoQuery, CreateRole]) -> Role:
    return await call.services.roles.create(call.body, call.caller, by=await author(call), also=call.remember)


async def _get(call: Call[RolePath, NoQuery, NoBody]) -> Role:
    return call.services.roles.get(call.caller, call.path.role)


async def _replace(call: Call[RolePath, NoQuery, ReplaceRole]) -> Role:
    return await call.services.roles.replace(call.path.role, call.body, call.caller, by=await author(call))


async def _delete(call: Call[RolePath, DeleteQuery, NoBody]) -> RoleDeleted:
    at, force = call.path, call.query.force
    return await call.services.roles.delete(at.role, call.caller, force=force, by=await author(call))
