"""Objects of pipelines and runs: put, get, look up, list, delete. Bodies and answers are the bytes themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gofer.models.object import Object, StoredObject
from gofer.models.page import Page
from gofer.server.api import paging, pipelines, runs
from gofer.server.api.author import author
from gofer.server.api.endpoint import (
    Call,
    Download,
    Endpoint,
    Id,
    Input,
    NoBody,
    NoQuery,
    PageQuery,
    PipelinePath,
    RunPath,
)
from gofer.server.objects.objects import DEFAULT_CONTENT_TYPE
from gofer.server.objects.place import Place
from gofer.server.services import Services

OF_PIPELINE = pipelines.ONE + "/objects"
OF_RUN = runs.ONE + "/objects"
TAG = "objects"


class ObjectPath(PipelinePath, frozen=True, kw_only=True):
    key: Id


class RunObjectPath(RunPath, frozen=True, kw_only=True):
    key: Id


class PutQuery(Input, frozen=True):
    """`force`: overwrite an object that has another content."""

    force: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [*_of_pipeline(), *_of_run()]


def _of_pipeline() -> list[Endpoint]:
    one = OF_PIPELINE + "/{key}"
    return [
        Endpoint(
            method="GET",
            path=OF_PIPELINE,
            handler=_list,
            summary="List the objects of a pipeline",
            tag=TAG,
            permission="objects:read",
        ),
        Endpoint(
            method="PUT",
            path=one,
            handler=_put,
            summary="Put an object at a pipeline: a new one (201), the same again, or with force another (200)",
            tag=TAG,
            permission="objects:write",
            status=_stored_status,
            statuses=(200, 201),
            errors=(409,),
            upload=True,
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=one,
            handler=_get,
            summary="Get an object of a pipeline",
            tag=TAG,
            permission="objects:read",
            errors=(416,),
        ),
        Endpoint(
            method="GET",
            path=one + "/info",
            handler=_info,
            summary="Look up an object of a pipeline",
            tag=TAG,
            permission="objects:read",
        ),
        Endpoint(
            method="DELETE",
            path=one,
            handler=_delete,
            summary="Delete an object of a pipeline",
            tag=TAG,
            permission="objects:delete",
            status=204,
        ),
    ]


def _of_run() -> list[Endpoint]:
    one = OF_RUN + "/{key}"
    return [
        Endpoint(
            method="GET",
            path=OF_RUN,
            handler=_list_of_run,
            summary="List the objects of a run",
            tag=TAG,
            permission="objects:read",
        ),
        Endpoint(
            method="PUT",
            path=one,
            handler=_put_of_run,
            summary="Put an object at a run: a new one (201), the same again, or with force another (200)",
            tag=TAG,
            permission="objects:write",
            status=_stored_status,
            statuses=(200, 201),
            errors=(409,),
            upload=True,
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=one,
            handler=_get_of_run,
            summary="Get an object of a run",
            tag=TAG,
            permission="objects:read",
            errors=(416,),
        ),
        Endpoint(
            method="GET",
            path=one + "/info",
            handler=_info_of_run,
            summary="Look up an object of a run",
            tag=TAG,
            permission="objects:read",
        ),
        Endpoint(
            method="DELETE",
            path=one,
            handler=_delete_of_run,
            summary="Delete an object of a run",
            tag=TAG,
            permission="objects:delete",
            status=204,
        ),
    ]


def _stored_status(stored: StoredObject) -> int:
    return 201 if stored.created else 200


async def _list(call: Call[PipelinePath, PageQuery, NoBody]) -> Page[Object]:
    return await _page(call.services, _at_pipeline(call.path), call.query)


async def _list_of_run(call: Call[RunPath, PageQuery, NoBody]) -> Page[Object]:
    return await _page(call.services, _at_run(call.path), call.query)


async def _put(call: Call[ObjectPath, PutQuery, NoBody]) -> StoredObject:
    return await _stored(call, _at_pipeline(call.path))


async def _put_of_run(call: Call[RunObjectPath, PutQuery, NoBody]) -> StoredObject:
    return await _stored(call, _at_run(call.path))


async def _get(call: Call[ObjectPath, NoQuery, NoBody]) -> Download:
    return await _download(call.services, _at_pipeline(call.path), call.path.key)


async def _get_of_run(call: Call[RunObjectPath, NoQuery, NoBody]) -> Download:
    return await _download(call.services, _at_run(call.path), call.path.key)


async def _info(call: Call[ObjectPath, NoQuery, NoBody]) -> Object:
    return await call.services.objects.find(_at_pipeline(call.path), call.path.key)


async def _info_of_run(call: Call[RunObjectPath, NoQuery, NoBody]) -> Object:
    return await call.services.objects.find(_at_run(call.path), call.path.key)


async def _delete(call: Call[ObjectPath, NoQuery, NoBody]) -> None:
    await call.services.objects.delete(_at_pipeline(call.path), call.path.key)


async def _delete_of_run(call: Call[RunObjectPath, NoQuery, NoBody]) -> None:
    await call.services.objects.delete(_at_run(call.path), call.path.key)


def _at_pipeline(at: PipelinePath) -> Place:
    return Place(at.namespace, at.pipeline)


def _at_run(at: RunPath) -> Place:
    return Place(at.namespace, at.pipeline, at.run)


async def _page(services: Services, place: Place, query: PageQuery) -> Page[Object]:
    found = await services.objects.list(place, paging.text("objects", query.cursor), query.limit)
    return paging.page("objects", found)


async def _stored(
    call: Call[ObjectPath, PutQuery, NoBody] | Call[RunObjectPath, PutQuery, NoBody], place: Place
) -> StoredObject:
    upload = call.upload
    assert upload is not None, "the endpoint takes an upload"
    stored, created = await call.services.objects.put(
        place,
        call.path.key,
        upload.chunks,
        content_type=DEFAULT_CONTENT_TYPE if upload.content_type is None else upload.content_type,
        force=call.query.force,
        digest=upload.sha256,
        size=upload.size,
        by=await author(call),
    )
    return StoredObject(created=created, **{name: getattr(stored, name) for name in stored.__struct_fields__})


async def _download(services: Services, place: Place, key: str) -> Download:
    found = await services.objects.find(place, key)

    def read(start: int, end: int) -> AsyncIterator[bytes]:
        return services.objects.read(found, start, end if end < found.size else None)

    return Download(read, found.size, found.sha256, found.content_type, found.key)
