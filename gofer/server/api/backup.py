"""Backups: everything that the server keeps, as one stream."""

from __future__ import annotations

from datetime import UTC, datetime

from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, NoPath, Stream

TAG = "system"
_CONTENT = "application/x-tar"


class BackupQuery(Input, frozen=True):
    """`logs`: the logs of task runs as well; `objects`: the contents of objects."""

    logs: bool = True
    objects: bool = True


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path="/api/v1/system/backup",
            handler=_backup,
            summary="Download a backup: the database and the secrets as they are now, logs of task runs, objects",
            tag=TAG,
            permission="backups:read",
            content=(_CONTENT,),
            errors=(409,),
        )
    ]


async def _backup(call: Call[NoPath, BackupQuery, NoBody]) -> Stream:
    services = call.services
    at = datetime.fromtimestamp(services.clock.now() / 1000, UTC)
    return Stream(
        services.backups.take(call.query.logs, call.query.objects), _CONTENT, f"gofer-{at:%Y%m%dT%H%M%SZ}.tar"
    )
