"""Versions of a pipeline."""

from __future__ import annotations

from gofer.models.page import Page
from gofer.models.pipeline import UpdateVersion, Version, VersionDetail
from gofer.server.api import paging, pipelines
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoQuery, PageQuery, PipelinePath, VersionPath

ALL = pipelines.ONE + "/versions"
ONE = ALL + "/{version}"
TAG = "versions"


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the versions of a pipeline",
            tag=TAG,
            permission="pipelines:read",
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="Get a version with its manifest",
            tag=TAG,
            permission="pipelines:read",
        ),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=_update,
            summary="Change what is noted of a version",
            tag=TAG,
            permission="pipelines:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_delete,
            summary="Delete a version that nothing needs",
            tag=TAG,
            permission="pipelines:delete",
            status=204,
            errors=(409,),
        ),
    ]


async def _list(call: Call[PipelinePath, PageQuery, NoBody]) -> Page[Version]:
    at = call.path
    cursor = paging.number("versions", call.query.cursor)
    found = await call.services.versions.list(at.namespace, at.pipeline, cursor, call.query.limit)
    return paging.page("versions", found, number=True)


async def _get(call: Call[VersionPath, NoQuery, NoBody]) -> VersionDetail:
    at = call.path
    return await call.services.versions.get(at.namespace, at.pipeline, at.version)


async def _update(call: Call[VersionPath, NoQuery, UpdateVersion]) -> Version:
    at = call.path
    return await call.services.versions.set_notes(at.namespace, at.pipeline, at.version, call.body.notes)


async def _delete(call: Call[VersionPath, NoQuery, NoBody]) -> None:
    at = call.path
    await call.services.versions.delete(at.namespace, at.pipeline, at.version)
