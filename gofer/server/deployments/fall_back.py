"""What becomes of a run that was given the version which is tried, when that one does not take its parameters."""

from __future__ import annotations

from gofer.errors import InvalidInput
from gofer.server.deployments.choose import Choice
from gofer.server.deployments.end import end
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import Ended
from gofer.server.store.pipelines import PipelineRow


def instead(row: PipelineRow, choice: Choice) -> Choice | None:
    """The live version, where a deployment has chosen the one that it tries; else None: there is no other to take."""
    if choice.deployment is None or choice.version == row.live_version:
        return None
    return choice._replace(version=row.live_version)


def refused(tx: Transaction, row: PipelineRow, choice: Choice, problem: InvalidInput, at: int) -> None:
    """The new version has refused parameters that the live one takes: once it is live, such runs would be lost, so a
    canary that decides by itself is rolled back. Any other goes on; its new version gets the runs that it takes."""
    assert choice.deployment is not None
    found = deployments.get(tx, row.key, choice.deployment)
    if found is None or found.strategy != "canary" or found.settings.manual:
        return
    # Not what is wrong with them: that shows a run's values, which not everybody may see who sees deployments.
    places = ", ".join(one.place for one in problem.problems[:5]) or "parameters"
    detail = (
        f"Version {found.to_version} refused the parameters of a run, which version {found.from_version} takes and "
        f"was given instead: {places}. See what is different with: gofer pipeline versions diff {row.id} "
        f"{found.from_version} {found.to_version}."
    )
    end(tx, row, found, Ended("rolled_back", at, "", "parameters", detail))
