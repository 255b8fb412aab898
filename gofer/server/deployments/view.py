"""Deployments as the API and the events show them."""

from __future__ import annotations

from typing import Any

import msgspec

from gofer.errors import NotFound
from gofer.models.deployment import Deployment
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import DeploymentRow
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.transaction import Readable


def deployment_model(row: PipelineRow, deployment: DeploymentRow) -> Deployment:
    fields = deployment._asdict()
    del fields["key"], fields["pipeline_key"]
    return Deployment(namespace=row.namespace, pipeline=row.id, **fields)


def require_deployment(connection: Readable, row: PipelineRow, number: int) -> DeploymentRow:
    """The deployment's row. Raises NotFound."""
    found = deployments.get(connection, row.key, number)
    if found is None:
        raise NotFound(
            f"The pipeline {shown(row.id)} has no deployment {number}",
            f"List those that it had with: gofer pipeline deployments list {row.id}.",
        )
    return found


def tell(tx: Transaction, kind: Kind, row: PipelineRow, deployment: DeploymentRow) -> None:
    """Emit the event of what has become of it just now."""
    started = kind == Kind.DEPLOYMENT_STARTED
    data: dict[str, Any] = {
        "deployment": deployment.number,
        "strategy": deployment.strategy,
        "from_version": deployment.from_version,
        "to_version": deployment.to_version,
        "cause": deployment.cause,
    }
    if started:
        data["settings"] = msgspec.to_builtins(deployment.settings)
    more = {
        "reason": deployment.reason,
        "detail": deployment.detail,
        "figures": deployment.figures,
        "by": deployment.started_by if started else deployment.ended_by,
    }
    data |= {name: value for name, value in more.items() if value}
    at = deployment.started_at if started or deployment.ended_at is None else deployment.ended_at
    tx.emit(kind, at, namespace=row.namespace, pipeline=row.id, data=data)
