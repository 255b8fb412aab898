"""Which version a new run gets."""

from __future__ import annotations

from typing import NamedTuple

from gofer.errors import Conflict
from gofer.models.ids import shown
from gofer.server.deployments.split import gets_new
from gofer.server.store import deployments
from gofer.server.store.database import Transaction
from gofer.server.store.pipelines import PipelineRow

SPLITTING = ("canary", "ab")


class Choice(NamedTuple):
    """`deployment`: the number of the one that has chosen; None: none is under way that gives runs versions."""

    version: int
    deployment: int | None = None


def choose(tx: Transaction, row: PipelineRow) -> Choice:
    """For a run that asks for no version of its own; to be called once for each, in the transaction that stores it.

    Raises Conflict where no version was deployed yet.
    """
    if row.live_version == 0:
        raise Conflict(
            f"No version of the pipeline {shown(row.id)} was deployed yet",
            f"Deploy its newest one with: gofer pipeline deploy {row.id}.",
        )
    found = deployments.under_way(tx, row.key)
    if found is None or found.strategy not in SPLITTING:
        return Choice(row.live_version)
    count = deployments.assign(tx, found.key)
    return Choice(found.to_version if gets_new(found.settings, count) else found.from_version, found.number)
