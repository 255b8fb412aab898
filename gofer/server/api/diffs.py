"""What changes from version to version, and what a manifest would change."""

from __future__ import annotations

import msgspec

from gofer.models.diff import Diff
from gofer.models.manifest import Manifest
from gofer.server.api import pipelines, versions
from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, Number, PipelinePath, VersionPath
from gofer.server.pipelines.decode import decode_manifest


class BaseQuery(Input, frozen=True):
    """`version`: the one to compare with; absent: the live one, or the newest where none is live."""

    version: Number | None = None


class OtherQuery(Input, frozen=True):
    """`with`: the version to compare with; absent: the live one, or the newest where none is live."""

    other: Number | None = msgspec.field(name="with", default=None)


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="POST",
            path=pipelines.ONE + "/diff",
            handler=_diff,
            summary="Show what registering a manifest would change",
            tag=pipelines.TAG,
            permission="pipelines:read",
            decode=decode_manifest,
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path=versions.ONE + "/diff",
            handler=_between,
            summary="Show what changes from this version to another",
            tag=versions.TAG,
            permission="pipelines:read",
        ),
    ]


async def _diff(call: Call[PipelinePath, BaseQuery, Manifest]) -> Diff:
    at = call.path
    return await call.services.diffs.of_manifest(at.namespace, at.pipeline, call.body, call.query.version)


async def _between(call: Call[VersionPath, OtherQuery, NoBody]) -> Diff:
    at = call.path
    return await call.services.diffs.of_versions(at.namespace, at.pipeline, at.version, call.query.other)
