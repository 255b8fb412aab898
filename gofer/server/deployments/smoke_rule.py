"""What is to be done next about a blue/green deployment, by what the store says of its smoke runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.deployment import DeploymentStatus
from gofer.models.status import Reason, RunStatus
from gofer.server.deployments.end import end
from gofer.server.deployments.go_live import go_live
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import DeploymentRow, Ended, SmokeRun
from gofer.server.store.pipelines import PipelineRow

Action = Literal["start", "wait", "promote", "roll_back"]


class Verdict(NamedTuple):
    """`reason` for programs and `detail` for people are set where it is a decision."""

    action: Action
    reason: str = ""
    detail: str = ""


def judge(smoke: int, runs: Sequence[SmokeRun]) -> Verdict:
    """`runs`: those that were started so far, in their order; `smoke`: how many have to succeed."""
    for place, run in enumerate(runs, start=1):
        if run.status.ended and run.status is not RunStatus.SUCCESSFUL:
            return Verdict("roll_back", f"smoke_{run.status}", _why(place, smoke, run))
    if any(not run.status.ended for run in runs):
        return Verdict("wait")
    if len(runs) < smoke:
        return Verdict("start")
    return Verdict("promote", "smoke_passed", "The smoke run was successful." if smoke == 1 else _all(smoke))


def after_smoke_run(tx: Transaction, row: PipelineRow, deployment: DeploymentRow, at: int) -> bool:
    """End it if its runs say so, in the transaction that stores the end of one of them; whether that was so.

    What cannot go live is rolled back: nobody is there who could be asked, and the run has ended whatever becomes of
    the version. (Nothing can hold the version back: `Holds.put` refuses that while it is tried.)
    """
    smoke = deployment.settings.smoke or 1
    runs = deployments.smoke_runs(tx, row.key, deployment.number, deployment.to_version)
    verdict = judge(smoke, runs)
    if verdict.action == "promote":
        verdict = _promote(tx, row, deployment, verdict, at)
    elif verdict.action != "roll_back":
        return False
    status: DeploymentStatus = "completed" if verdict.action == "promote" else "rolled_back"
    figures = {"smoke": smoke, "runs": [run.number for run in runs]}
    return end(tx, row, deployment, Ended(status, at, "", verdict.reason, verdict.detail, figures))


def _promote(tx: Transaction, row: PipelineRow, deployment: DeploymentRow, verdict: Verdict, at: int) -> Verdict:
    try:
        go_live(tx, row, deployment.to_version, at)
    except (Conflict, InvalidInput, NotFound) as problem:
        detail = f"{verdict.detail} But the version cannot go live: {problem.message}."
        return Verdict("roll_back", "cannot_go_live", detail)
    return verdict


def _all(smoke: int) -> str:
    return f"All {smoke} smoke runs were successful."


def _why(place: int, smoke: int, run: SmokeRun) -> str:
    why = run.detail or ("" if run.reason is Reason.NONE else str(run.reason))
    which = "The smoke run" if smoke == 1 else f"Smoke run {place} of {smoke}"
    verb = "has failed" if run.status is RunStatus.FAILED else "was cancelled"
    return f"{which} (run {run.number}) {verb}{f': {why}' if why else ''}."
