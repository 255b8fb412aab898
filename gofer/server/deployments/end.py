"""Ending a deployment: the only place that does."""

from __future__ import annotations

from gofer.models.deployment import DeploymentStatus
from gofer.models.event import Kind
from gofer.server.deployments.view import tell
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import DeploymentRow, Ended
from gofer.server.store.pipelines import PipelineRow

_KINDS: dict[DeploymentStatus, Kind] = {
    "completed": Kind.DEPLOYMENT_COMPLETED,
    "rolled_back": Kind.DEPLOYMENT_ROLLED_BACK,
    "aborted": Kind.DEPLOYMENT_ABORTED,
}


def end(tx: Transaction, row: PipelineRow, deployment: DeploymentRow, ended: Ended) -> bool:
    """Store how it has ended, with the event. False if it had ended before; nothing is done then.

    To end it as `completed`, call `go_live` in the same transaction first.
    """
    if not deployments.end(tx, deployment.key, ended):
        return False
    after = deployments.get(tx, row.key, deployment.number)
    assert after is not None
    tell(tx, _KINDS[ended.status], row, after)
    return True
