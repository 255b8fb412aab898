"""What the two versions of a deployment have done, compared."""

from __future__ import annotations

from gofer.models.comparison import Comparison
from gofer.server.api import deployments
from gofer.server.api.deployments import DeploymentPath
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoQuery


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=deployments.ONE + "/comparison",
            handler=_get,
            summary="Compare what the runs of a deployment's two versions have done",
            tag=deployments.TAG,
            permission="deployments:read",
        ),
    ]


async def _get(call: Call[DeploymentPath, NoQuery, NoBody]) -> Comparison:
    at = call.path
    return await call.services.comparisons.get(at.namespace, at.pipeline, at.deployment)
