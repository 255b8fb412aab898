"""What the end of a run decides about the deployment that has given it its version, in the same transaction."""

from __future__ import annotations

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.deployment import DeploymentStatus
from gofer.models.status import RunStatus
from gofer.server.deployments.end import end
from gofer.server.deployments.go_live import go_live
from gofer.server.deployments.judge import Verdict
from gofer.server.deployments.smoke_rule import after_smoke_run
from gofer.server.deployments.weigh import weigh
from gofer.server.store import deployments, pipelines
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import DeploymentRow, Ended
from gofer.server.store.pipelines import PipelineRow

_COUNTS = (RunStatus.SUCCESSFUL, RunStatus.FAILED)


def after_run(
    tx: Transaction, pipeline_key: int, deployment: int | None, version: int, status: RunStatus, at: int
) -> bool:
    """To be called once the end of a run is stored; whether that has ended its deployment. `deployment` and `version`
    are the run's.

    A canary is decided by the ends of the new version's runs alone: others tell nothing of that one. A smoke run
    counts however it has ended.
    """
    if deployment is None:
        return False
    found = deployments.get(tx, pipeline_key, deployment)
    if found is None or found.status != "running" or version != found.to_version:
        return False
    row = pipelines.by_key(tx, pipeline_key)
    assert row is not None, "a pipeline is not deleted while it has runs on their way"
    if found.strategy == "blue_green":
        return after_smoke_run(tx, row, found, at)
    counts = found.strategy == "canary" and not found.settings.manual and status in _COUNTS
    return counts and _decide(tx, row, found, at)


def _decide(tx: Transaction, row: PipelineRow, deployment: DeploymentRow, at: int) -> bool:
    verdict = weigh(tx, deployment)
    if verdict.decision == "wait":
        return False
    if verdict.decision == "promote":
        verdict = _promote(tx, row, deployment, verdict, at)
    status: DeploymentStatus = "completed" if verdict.decision == "promote" else "rolled_back"
    return end(tx, row, deployment, Ended(status, at, "", verdict.reason, verdict.detail, verdict.figures))


def _promote(tx: Transaction, row: PipelineRow, deployment: DeploymentRow, verdict: Verdict, at: int) -> Verdict:
    """Make the new version live; where that cannot be, it is rolled back: nobody is there who could be asked, and the
    run has ended whatever becomes of the version. (No hold is in the way: none is set while a deployment is.)"""
    try:
        go_live(tx, row, deployment.to_version, at)
    except (Conflict, InvalidInput, NotFound) as problem:
        detail = f"The rule is met, but the version cannot go live: {problem.message}."
        return verdict._replace(decision="roll_back", reason="cannot_go_live", detail=detail)
    return verdict
