"""Deployments of a pipeline: start, look up, promote, abort, go back."""

from __future__ import annotations

from gofer.models.deployment import Deploy, Deployed, Deployment, EndDeployment, Rollback
from gofer.models.page import Page
from gofer.server.api import paging, pipelines
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoQuery, Number, PageQuery, PipelinePath
from gofer.server.api.may_deploy import check_smoke_runs

ALL = pipelines.ONE + "/deployments"
ONE = ALL + "/{deployment}"
TAG = "deployments"


class DeploymentPath(PipelinePath, frozen=True, kw_only=True):
    deployment: Number


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the deployments of a pipeline, newest first",
            tag=TAG,
            permission="deployments:read",
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_deploy,
            summary="Make a version live, at once or after it was tried (201; 200 if it is live already)",
            tag=TAG,
            permission="deployments:write",
            status=_changed_status,
            statuses=(200, 201),
            errors=(409,),
        ),
        Endpoint(
            method="GET",
            path=ONE,
            handler=_get,
            summary="Get a deployment",
            tag=TAG,
            permission="deployments:read",
        ),
        Endpoint(
            method="POST",
            path=ONE + "/promote",
            handler=_promote,
            summary="End a deployment that is under way: its new version goes live now",
            tag=TAG,
            permission="deployments:write",
            errors=(409,),
        ),
        Endpoint(
            method="POST",
            path=ONE + "/abort",
            handler=_abort,
            summary="End a deployment that is under way: the old version stays live",
            tag=TAG,
            permission="deployments:write",
            errors=(409,),
        ),
        Endpoint(
            method="POST",
            path=pipelines.ONE + "/rollback",
            handler=_rollback,
            summary="Make the version live at once that was live before, or another (201; 200 if it is live already)",
            tag=TAG,
            permission="deployments:write",
            status=_changed_status,
            statuses=(200, 201),
            errors=(409,),
        ),
    ]


def _changed_status(deployed: Deployed) -> int:
    return 201 if deployed.changed else 200


async def _list(call: Call[PipelinePath, PageQuery, NoBody]) -> Page[Deployment]:
    at = call.path
    cursor = paging.number("deployments", call.query.cursor)
    found = await call.services.deployments.list(at.namespace, at.pipeline, cursor, call.query.limit)
    return paging.page("deployments", found, number=True)


async def _get(call: Call[DeploymentPath, NoQuery, NoBody]) -> Deployment:
    at = call.path
    return await call.services.deployments.get(at.namespace, at.pipeline, at.deployment)


async def _deploy(call: Call[PipelinePath, NoQuery, Deploy]) -> Deployed:
    at, by = call.path, await author(call)
    if call.body.strategy == "blue_green":
        check_smoke_runs(call.caller, at.namespace, at.pipeline)
    return await call.services.deployments.deploy(at.namespace, at.pipeline, call.body, by=by, also=call.remember)


async def _rollback(call: Call[PipelinePath, NoQuery, Rollback]) -> Deployed:
    at, by = call.path, await author(call)
    return await call.services.deployments.rollback(at.namespace, at.pipeline, call.body, by=by, also=call.remember)


async def _promote(call: Call[DeploymentPath, NoQuery, EndDeployment]) -> Deployed:
    at, by = call.path, await author(call)
    return await call.services.deployments.promote(
        at.namespace, at.pipeline, at.deployment, call.body.reason, by=by, also=call.remember
    )


async def _abort(call: Call[DeploymentPath, NoQuery, EndDeployment]) -> Deployed:
    at, by = call.path, await author(call)
    return await call.services.deployments.abort(
        at.namespace, at.pipeline, at.deployment, call.body.reason, by=by, also=call.remember
    )
