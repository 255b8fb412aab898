"""What holds forbid, and what they warn of; to be asked in the transaction that makes the change."""

from __future__ import annotations

from datetime import UTC, datetime

from gofer.errors import Conflict
from gofer.models.hold import Hold
from gofer.models.ids import shown
from gofer.server.store import holds
from gofer.server.store.holds import PIPELINE
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.transaction import Readable


def require_unfrozen(connection: Readable, row: PipelineRow) -> None:
    """Before any change of a pipeline: of its versions, live version, subscriptions, or whether it is enabled. Raises
    Conflict that names who has frozen it, when and why."""
    hold = holds.get(connection, row.key, PIPELINE, "frozen")
    if hold is not None:
        raise Conflict(
            f"The pipeline {shown(row.id)} is frozen, so nothing of it may be changed: {told(hold)}",
            f"Ask who has frozen it, or end that with: gofer pipeline unfreeze {row.id}.",
        )


def require_deployable(connection: Readable, row: PipelineRow, version: int) -> None:
    """Before a version goes live, or is given to some of the runs. Raises Conflict where it is paused."""
    _require_resumed(connection, row, version, "it cannot be deployed")


def require_startable(connection: Readable, row: PipelineRow, version: int) -> None:
    """Before a run that asks for just this version, as a retry does. Raises Conflict where it is paused."""
    _require_resumed(connection, row, version, "it gets no new run")


def require_removable(connection: Readable, row: PipelineRow, version: int) -> None:
    """Before a version is deleted. Raises Conflict where it is frozen."""
    hold = holds.get(connection, row.key, version, "frozen")
    if hold is not None:
        raise Conflict(
            f"Version {version} of the pipeline {shown(row.id)} is frozen, so it stays: {told(hold)}",
            f"End that with: gofer pipeline unfreeze {row.id} --version {version}.",
        )


def require_deletable(connection: Readable, row: PipelineRow) -> None:
    """Before a pipeline is deleted with all its versions. Raises Conflict where it, or one of them, is frozen."""
    require_unfrozen(connection, row)
    for version in holds.of_pipeline(connection, row.key):
        require_removable(connection, row, version)


def warnings(connection: Readable, row: PipelineRow, version: int) -> list[str]:
    """For whoever deploys or runs that version, or registers it: what is deprecated, and that runs wait."""
    own = [_warning(row, hold) for hold in holds.of_version(connection, row.key, PIPELINE) if hold.kind != "frozen"]
    hold = holds.get(connection, row.key, version, "deprecated")
    return own if hold is None else [*own, f"Version {version} of it is deprecated: {told(hold)}."]


def why_waiting(connection: Readable, pipeline_key: int, pipeline: str) -> str:
    """Why no queued run of the pipeline begins, as a sentence; empty unless it is paused."""
    hold = holds.get(connection, pipeline_key, PIPELINE, "paused")
    return _waits(pipeline, hold) if hold else ""


def told(hold: Hold) -> str:
    """Who, when (UTC) and why, in half a sentence."""
    when = f"{datetime.fromtimestamp(hold.at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    who = f"by {hold.by} on {when}" if hold.by else f"on {when}"
    return f"{who}, for: {shown(hold.reason, 500)}" if hold.reason else f"{who}, no reason was given"


def _require_resumed(connection: Readable, row: PipelineRow, version: int, consequence: str) -> None:
    hold = holds.get(connection, row.key, version, "paused")
    if hold is not None:
        raise Conflict(
            f"Version {version} of the pipeline {shown(row.id)} is paused, so {consequence}: {told(hold)}",
            f"End that with: gofer pipeline resume {row.id} --version {version}; or take another version.",
        )


def _warning(row: PipelineRow, hold: Hold) -> str:
    if hold.kind == "paused":
        return _waits(row.id, hold)
    return f"The pipeline {row.id} is deprecated: {told(hold)}."


def _waits(pipeline: str, hold: Hold) -> str:
    return f"The pipeline is paused ({told(hold)}): new runs wait until gofer pipeline resume {pipeline}."
