"""The first token."""

from __future__ import annotations

from typing import Any

from gofer.errors import Refused
from gofer.models.access import Bootstrap, BootstrapInfo, NewToken
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoPath, NoQuery

PATH = "/api/v1/bootstrap"
TAG = "tokens"


def endpoints() -> list[Endpoint]:
    """The routes of this noun: they need no token, but a caller on the same machine."""
    return [
        Endpoint(
            method="GET",
            path=PATH,
            handler=_info,
            summary="Whether the root token was made, and where the proof is expected; on the server's machine only",
            tag=TAG,
            errors=(403,),
            permission="bootstrap:write",
        ),
        Endpoint(
            method="POST",
            path=PATH,
            handler=_bootstrap,
            summary="Make the root token, once; on the server's machine only",
            tag=TAG,
            status=201,
            errors=(403, 409),
            permission="bootstrap:write",
            keeps=False,
        ),
    ]


async def _info(call: Call[NoPath, NoQuery, NoBody]) -> BootstrapInfo:
    _require_near(call)
    return call.services.bootstrapper.info


async def _bootstrap(call: Call[NoPath, NoQuery, Bootstrap]) -> NewToken:
    _require_near(call)
    body = call.body
    return await call.services.bootstrapper.bootstrap(body.code, again=body.again, by=await author(call))


def _require_near(call: Call[Any, Any, Any]) -> None:
    if call.peer is None or not call.peer.is_loopback:
        raise Refused(
            "The first token is made on the server's own machine only, and not through a proxy.",
            "There, as root or Gofer's own user: gofer service token bootstrap. In a container: docker exec.",
        )
