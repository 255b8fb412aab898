"""Namespaces."""

from __future__ import annotations

from gofer.models.page import Page
from gofer.models.pipeline import CreateNamespace, Namespace, UpdateNamespace
from gofer.server.api import paging
from gofer.server.api.endpoint import Call, Endpoint, NamespacePath, NoBody, NoPath, NoQuery, PageQuery

ALL = "/api/v1/namespaces"
ONE = ALL + "/{namespace}"
TAG = "namespaces"


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List namespaces",
            tag=TAG,
            permission="namespaces:read",
            filtered=True,
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_create,
            summary="Create a namespace",
            tag=TAG,
            permission="namespaces:write",
            status=201,
            errors=(409,),
        ),
        Endpoint(
            method="GET", path=ONE, handler=_get, summary="Get a namespace", tag=TAG, permission="namespaces:read"
        ),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=_update,
            summary="Change a namespace; what is left out stays as it is",
            tag=TAG,
            permission="namespaces:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_delete,
            summary="Delete an empty namespace",
            tag=TAG,
            permission="namespaces:delete",
            status=204,
            errors=(409,),
        ),
    ]


async def _list(call: Call[NoPath, PageQuery, NoBody]) -> Page[Namespace]:
    cursor = paging.text("namespaces", call.query.cursor)
    seen = call.caller.sight("namespaces:read").whole_namespaces
    return paging.page("namespaces", await call.services.namespaces.list(cursor, call.query.limit, seen))


async def _create(call: Call[NoPath, NoQuery, CreateNamespace]) -> Namespace:
    return await call.services.namespaces.create(call.body, also=call.remember)


async def _get(call: Call[NamespacePath, NoQuery, NoBody]) -> Namespace:
    return await call.services.namespaces.get(call.path.namespace)


async def _update(call: Call[NamespacePath, NoQuery, UpdateNamespace]) -> Namespace:
    return await call.services.namespaces.update(call.path.namespace, call.body)


async def _delete(call: Call[NamespacePath, NoQuery, NoBody]) -> None:
    await call.services.namespaces.delete(call.path.namespace)
