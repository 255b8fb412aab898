"""Storing a new deployment; one that is instant is over at once."""

from __future__ import annotations

from typing import NamedTuple

from gofer.models.event import Kind
from gofer.server.deployments.go_live import go_live
from gofer.server.deployments.view import tell
from gofer.server.pipelines.holds import require_deployable, require_unfrozen
from gofer.server.pipelines.subscriptions import Followed
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import DeploymentRow, NewDeployment
from gofer.server.store.pipelines import PipelineRow


class Begun(NamedTuple):
    """`followed`: what became of the subscriptions, if the version is live now."""

    deployment: DeploymentRow
    followed: Followed


def begin(tx: Transaction, row: PipelineRow, new: NewDeployment) -> Begun:
    """Store it with its event; with the status `completed` its version goes live. Raises as `go_live`, and Conflict
    where a hold forbids it.

    That no other is under way is the caller's to see to.
    """
    require_unfrozen(tx, row)
    require_deployable(tx, row, new.to_version)
    completed = new.status == "completed"
    followed = go_live(tx, row, new.to_version, new.at) if completed else Followed([], [])
    number = deployments.insert(tx, new)
    stored = deployments.get(tx, row.key, number)
    assert stored is not None
    tell(tx, Kind.DEPLOYMENT_COMPLETED if completed else Kind.DEPLOYMENT_STARTED, row, stored)
    return Begun(stored, followed)
