"""Secrets: put, look at, reveal, delete, encrypt anew."""

from __future__ import annotations

from gofer.models.page import Page
from gofer.models.secret import PutGlobalSecret, PutSecret, Revealed, Rotation, Secret, SecretSet
from gofer.server.api import paging, pipelines
from gofer.server.api.author import author
from gofer.server.api.endpoint import (
    Call,
    Endpoint,
    Id,
    Input,
    NoBody,
    NoPath,
    NoQuery,
    PageQuery,
    PipelinePath,
)
from gofer.server.secrets.secrets import NOBODY, Owner

ALL = pipelines.ONE + "/secrets"
ONE = ALL + "/{key}"
GLOBAL_ALL = "/api/v1/secrets"
GLOBAL_ONE = GLOBAL_ALL + "/{key}"
ROTATE = "/api/v1/system/secrets/rotate-key"
TAG = "secrets"


class SecretPath(PipelinePath, frozen=True, kw_only=True):
    key: Id


class GlobalSecretPath(Input, frozen=True):
    key: Id


def endpoints() -> list[Endpoint]:
    """The routes of this noun. No Idempotency-Key where a value comes in or goes out: what is kept for one would tell
    something of it. To put a secret again changes nothing but its time."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the secrets of a pipeline, without their values",
            tag=TAG,
            permission="secrets:read",
        ),
        Endpoint(
            method="PUT",
            path=ONE,
            handler=_put,
            summary="Set a secret of a pipeline: a new one (201), or a new value (200)",
            tag=TAG,
            status=_set_status,
            statuses=(200, 201),
            errors=(409,),
            permission="secrets:write",
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="What is known of a secret, without its value",
            tag=TAG,
            permission="secrets:read",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_delete,
            summary="Delete a secret",
            tag=TAG,
            status=204,
            permission="secrets:delete",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/reveal",
            handler=_reveal,
            summary="The value of a secret; an event tells that it was asked for",
            tag=TAG,
            errors=(409,),
            permission="secrets:reveal",
            keeps=False,
        ),
        *_global_endpoints(),
        Endpoint(
            method="POST",
            path=ROTATE,
            handler=_rotate,
            summary="Encrypt every secret with the current key, while all of them are used",
            tag=TAG,
            errors=(409,),
            permission="system:write",
            keeps=False,
        ),
    ]


def _global_endpoints() -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=GLOBAL_ALL,
            handler=_list_global,
            summary="List the global secrets, without their values",
            tag=TAG,
            permission="global_secrets:read",
        ),
        Endpoint(
            method="PUT",
            path=GLOBAL_ONE,
            handler=_put_global,
            summary="Set a global secret, and which namespaces may use it: a new one (201), or a new value (200)",
            tag=TAG,
            status=_set_status,
            statuses=(200, 201),
            errors=(409,),
            permission="global_secrets:write",
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=GLOBAL_ONE,
            handler=_get_global,
            summary="What is known of a global secret, without its value",
            tag=TAG,
            permission="global_secrets:read",
        ),
        Endpoint(
            method="DELETE",
            path=GLOBAL_ONE,
            handler=_delete_global,
            summary="Delete a global secret",
            tag=TAG,
            status=204,
            permission="global_secrets:delete",
        ),
        Endpoint(
            method="POST",
            path=GLOBAL_ONE + "/reveal",
            handler=_reveal_global,
            summary="The value of a global secret; an event tells that it was asked for",
            tag=TAG,
            errors=(409,),
            permission="global_secrets:reveal",
            keeps=False,
        ),
    ]


def _set_status(answer: SecretSet) -> int:
    return 201 if answer.created else 200


def _owner(at: PipelinePath) -> Owner:
    return Owner(at.namespace, at.pipeline)


async def _list(call: Call[PipelinePath, PageQuery, NoBody]) -> Page[Secret]:
    cursor = paging.text("secrets", call.query.cursor)
    return paging.page("secrets", await call.services.secrets.list(_owner(call.path), cursor, call.query.limit))


async def _put(call: Call[SecretPath, NoQuery, PutSecret]) -> SecretSet:
    by = await author(call)
    return await call.services.secrets.put(_owner(call.path), call.path.key, call.body.value, by=by)


async def _get(call: Call[SecretPath, NoQuery, NoBody]) -> Secret:
    return await call.services.secrets.find(_owner(call.path), call.path.key)


async def _delete(call: Call[SecretPath, NoQuery, NoBody]) -> None:
    await call.services.secrets.delete(_owner(call.path), call.path.key, by=await author(call))


async def _reveal(call: Call[SecretPath, NoQuery, NoBody]) -> Revealed:
    return await call.services.secrets.reveal(_owner(call.path), call.path.key, by=await author(call))


async def _list_global(call: Call[NoPath, PageQuery, NoBody]) -> Page[Secret]:
    cursor = paging.text("global secrets", call.query.cursor)
    return paging.page("global secrets", await call.services.secrets.list(NOBODY, cursor, call.query.limit))


async def _put_global(call: Call[GlobalSecretPath, NoQuery, PutGlobalSecret]) -> SecretSet:
    by = await author(call)
    return await call.services.secrets.put(NOBODY, call.path.key, call.body.value, call.body.namespaces, by=by)


async def _get_global(call: Call[GlobalSecretPath, NoQuery, NoBody]) -> Secret:
    return await call.services.secrets.find(NOBODY, call.path.key)


async def _delete_global(call: Call[GlobalSecretPath, NoQuery, NoBody]) -> None:
    await call.services.secrets.delete(NOBODY, call.path.key, by=await author(call))


async def _reveal_global(call: Call[GlobalSecretPath, NoQuery, NoBody]) -> Revealed:
    return await call.services.secrets.reveal(NOBODY, call.path.key, by=await author(call))


async def _rotate(call: Call[NoPath, NoQuery, NoBody]) -> Rotation:
    return await call.services.secret_rotator.rotate(by=await author(call))
