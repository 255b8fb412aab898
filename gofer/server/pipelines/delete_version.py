"""Deleting a version: what needs it, and how it goes."""

from __future__ import annotations

from typing import Any

from gofer.errors import Conflict
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.server.store import deployments, holds, runs, versions
from gofer.server.store.database import Readable, Transaction
from gofer.server.store.pipelines import PipelineRow


def require_unused(connection: Readable, row: PipelineRow, number: int) -> None:
    """Raises Conflict that says what needs the version."""
    why, hint = used_by(connection, row, number)
    if why:
        raise Conflict(f"Version {number} of the pipeline {shown(row.id)} cannot be deleted: {why}", hint)


def used_by(connection: Readable, row: PipelineRow, number: int) -> tuple[str, str]:
    """What needs the version, and what to do about it; empty where nothing does.

    It is live; a deployment under way has it; a run that is kept is of it; there is no other; going back leads to it.
    """
    if number == row.live_version:
        return "it is live", f"Deploy another one first: gofer pipeline deploy {row.id} --version N."
    under_way = deployments.under_way(connection, row.key)
    if under_way is not None and number in (under_way.from_version, under_way.to_version):
        why = f"the deployment {under_way.number}, which is under way, is about it"
        return why, f"End that first: gofer pipeline abort {row.id}."
    run = runs.newest_of_version(connection, row.key, number)
    if run is not None:
        return f"run {run} is of it, and a run is kept with its version", "It goes when the pipeline is deleted."
    if versions.count(connection, row.key) == 1:
        return "it is the only one", f"Delete the pipeline with: gofer pipeline delete {row.id}."
    if number == deployments.live_before(connection, row.key, row.live_version):
        why = "it was live before the one that is, so gofer pipeline rollback leads to it"
        return why, "It is free when another version was deployed after it."
    return "", ""


def delete_version(tx: Transaction, row: PipelineRow, number: int, at: int, reason: str = "") -> None:
    """With the holds on it. Whether it may go was asked before; `reason` where nobody has asked for it."""
    holds.delete_all(tx, row.key, number)
    versions.delete(tx, row.key, number)
    data: dict[str, Any] = {"version": number}
    if reason:
        data["reason"] = reason
    tx.emit(Kind.VERSION_DELETED, at, namespace=row.namespace, pipeline=row.id, data=data)
