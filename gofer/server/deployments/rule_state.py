"""How far the rule of a deployment is that decides by itself."""

from __future__ import annotations

from collections.abc import Sequence

from gofer.models.comparison import RuleState
from gofer.models.status import RunStatus
from gofer.server.deployments import smoke_rule
from gofer.server.deployments.weigh import weigh
from gofer.server.store import deployments
from gofer.server.store.deployments import DeploymentRow, SmokeRun
from gofer.server.store.transaction import Readable


def rule_state(connection: Readable, deployment: DeploymentRow) -> RuleState | None:
    """None: it has ended, or its strategy has no rule."""
    if deployment.status != "running":
        return None
    if deployment.strategy == "canary":
        verdict = weigh(connection, deployment)
        return RuleState(
            decision=verdict.decision,
            manual=deployment.settings.manual,
            reason=verdict.reason,
            detail=verdict.detail,
            figures=verdict.figures,
        )
    return _smoke(connection, deployment) if deployment.strategy == "blue_green" else None


def _smoke(connection: Readable, deployment: DeploymentRow) -> RuleState:
    smoke = deployment.settings.smoke or 1
    runs = deployments.smoke_runs(connection, deployment.pipeline_key, deployment.number, deployment.to_version)
    verdict = smoke_rule.judge(smoke, runs)
    return RuleState(
        decision="wait" if verdict.action == "start" else verdict.action,
        manual=False,
        reason=verdict.reason,
        detail=verdict.detail or _progress(smoke, runs),
        figures={"smoke": smoke, "runs": [run.number for run in runs]},
    )


def _progress(smoke: int, runs: Sequence[SmokeRun]) -> str:
    passed = sum(run.status is RunStatus.SUCCESSFUL for run in runs)
    on_their_way = ", ".join(f"#{run.number} is {run.status}" for run in runs if not run.status.ended)
    said = f"{passed} of {smoke} smoke run{'' if smoke == 1 else 's'} successful"
    return f"{said}; run {on_their_way}." if on_their_way else f"{said}."
