"""Tokens: make, look at, disable, rotate, delete; and who one is."""

from __future__ import annotations

from typing import Any

from gofer.models.access import CreateToken, NewToken, RotateToken, Token, UpdateToken, Whoami
from gofer.models.page import Page
from gofer.server.api import paging
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, Id, Input, NoBody, NoPath, NoQuery, PageQuery
from gofer.server.auth.escalate import check_gives, check_gives_management, check_touches

ALL = "/api/v1/tokens"
ONE = ALL + "/{token}"
WHOAMI = "/api/v1/whoami"
TAG = "tokens"


class TokenPath(Input, frozen=True):
    token: Id


def endpoints() -> list[Endpoint]:
    """The routes of this noun. No Idempotency-Key where a token's text goes out: it is kept nowhere."""
    return [
        Endpoint(method="GET", path=ALL, handler=_list, summary="List tokens", tag=TAG, permission="tokens:read"),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_create,
            summary="Make a token; its text is in this answer only",
            tag=TAG,
            status=201,
            permission="tokens:write",
            keeps=False,
        ),
        Endpoint(method="GET", path=ONE, handler=_get, summary="Get a token", tag=TAG, permission="tokens:read"),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=_update,
            summary="Enable or disable a token, or describe it anew; what is left out stays as it is",
            tag=TAG,
            errors=(409,),
            permission="tokens:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_delete,
            summary="Delete a token; what uses it ends at once",
            tag=TAG,
            status=204,
            errors=(409,),
            permission="tokens:delete",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/rotate",
            handler=_rotate,
            summary="Give a token another text, which is in this answer only",
            tag=TAG,
            errors=(409,),
            permission="tokens:write",
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=WHOAMI,
            handler=_whoami,
            summary="Who the caller is, and what it may do",
            tag=TAG,
            permission="self:read",
        ),
    ]


async def _list(call: Call[NoPath, PageQuery, NoBody]) -> Page[Token]:
    cursor = paging.number("tokens", call.query.cursor)
    return paging.page("tokens", call.services.tokens.list(cursor, call.query.limit), number=True)


async def _create(call: Call[NoPath, NoQuery, CreateToken]) -> NewToken:
    if call.body.kind == "management":
        check_gives_management(call.caller)
    by = await author(call)
    # The last before it is made: roles may change.
    check_gives(call.caller, call.services.tokens.rights_of(call.body))
    return await call.services.tokens.create(call.body, by=by)


async def _get(call: Call[TokenPath, NoQuery, NoBody]) -> Token:
    return call.services.tokens.get(call.path.token)


async def _update(call: Call[TokenPath, NoQuery, UpdateToken]) -> Token:
    _check_touches(call)
    return await call.services.tokens.update(call.path.token, call.body, by=await author(call))


async def _delete(call: Call[TokenPath, NoQuery, NoBody]) -> None:
    _check_touches(call)
    await call.services.tokens.delete(call.path.token, by=await author(call))


async def _rotate(call: Call[TokenPath, NoQuery, RotateToken]) -> NewToken:
    _check_touches(call)
    return await call.services.tokens.rotate(call.path.token, call.body, by=await author(call))


def _check_touches(call: Call[TokenPath, Any, Any]) -> None:
    """Everybody who may at all may change their own."""
    token = call.services.tokens.get(call.path.token)
    if token.id != call.caller.token:
        check_touches(call.caller, token.kind, call.services.registry.rights(token))


async def _whoami(call: Call[NoPath, NoQuery, NoBody]) -> Whoami:
    return call.services.tokens.whoami(call.caller)
