"""Holds of pipelines and versions: set, lift."""

from __future__ import annotations

from gofer.models.hold import Hold, HoldKind, Lifted, SetHold
from gofer.server.api import pipelines, versions
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoQuery, PipelinePath, VersionPath

OF_PIPELINE = pipelines.ONE + "/holds/{hold}"
OF_VERSION = versions.ONE + "/holds/{hold}"
TAG = "holds"


class PipelineHoldPath(PipelinePath, frozen=True, kw_only=True):
    hold: HoldKind


class VersionHoldPath(VersionPath, frozen=True, kw_only=True):
    hold: HoldKind


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="PUT",
            path=OF_PIPELINE,
            handler=_put,
            summary="Pause, freeze or deprecate a pipeline",
            tag=TAG,
            permission="deployments:write",
            errors=(409,),
        ),
        Endpoint(
            method="DELETE",
            path=OF_PIPELINE,
            handler=_lift,
            summary="Resume or unfreeze a pipeline, or end its deprecation",
            tag=TAG,
            permission="deployments:write",
        ),
        Endpoint(
            method="PUT",
            path=OF_VERSION,
            handler=_put_of_version,
            summary="Pause, freeze or deprecate a version",
            tag=TAG,
            permission="deployments:write",
            errors=(409,),
        ),
        Endpoint(
            method="DELETE",
            path=OF_VERSION,
            handler=_lift_of_version,
            summary="Resume or unfreeze a version, or end its deprecation",
            tag=TAG,
            permission="deployments:write",
        ),
    ]


async def _put(call: Call[PipelineHoldPath, NoQuery, SetHold]) -> Hold:
    at, by = call.path, await author(call)
    return await call.services.holds.put(at.namespace, at.pipeline, None, at.hold, call.body.reason, by=by)


async def _lift(call: Call[PipelineHoldPath, NoQuery, NoBody]) -> Lifted:
    at, by = call.path, await author(call)
    return await call.services.holds.lift(at.namespace, at.pipeline, None, at.hold, by=by)


async def _put_of_version(call: Call[VersionHoldPath, NoQuery, SetHold]) -> Hold:
    at, by = call.path, await author(call)
    return await call.services.holds.put(at.namespace, at.pipeline, at.version, at.hold, call.body.reason, by=by)


async def _lift_of_version(call: Call[VersionHoldPath, NoQuery, NoBody]) -> Lifted:
    at, by = call.path, await author(call)
    return await call.services.holds.lift(at.namespace, at.pipeline, at.version, at.hold, by=by)
