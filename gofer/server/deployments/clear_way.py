"""One deployment of a pipeline at a time: another is refused, or the one that is under way has to give way."""

from __future__ import annotations

from gofer.errors import Conflict
from gofer.models.ids import shown
from gofer.server.deployments.end import end
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import DeploymentRow, Ended
from gofer.server.store.pipelines import PipelineRow


def clear_way(tx: Transaction, row: PipelineRow, *, force: bool, by: str, at: int) -> int | None:
    """Abort the deployment of the pipeline that is under way if `force` says so; returns its number, None: there is
    none. Raises Conflict where one is and `force` is not given."""
    found = deployments.under_way(tx, row.key)
    if found is None:
        return None
    if not force:
        raise Conflict(
            f"The deployment {found.number} of the pipeline {shown(row.id)} is under way: {described(found)}",
            f"Look at it with: gofer pipeline status {row.id}; end it with: gofer pipeline promote {row.id}, or "
            f"gofer pipeline abort {row.id}; or say --force, which aborts it first{_stays(found)}.",
        )
    end(tx, row, found, Ended("aborted", at, by, "forced", "Another change of the live version was forced."))
    return found.number


def described(deployment: DeploymentRow) -> str:
    """Such as `canary of version 3, while version 2 is live`."""
    live = f"version {deployment.from_version} is live" if deployment.from_version else "none is live"
    return f"{deployment.strategy} of version {deployment.to_version}, while {live}"


def _stays(deployment: DeploymentRow) -> str:
    return f" (version {deployment.from_version} is live then)" if deployment.from_version else ""
