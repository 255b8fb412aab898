"""Which runs still have their logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gofer.models.event import Kind
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("logs")


class Expirable(NamedTuple):
    """An ended run whose logs may go."""

    key: int
    number: int
    namespace: str
    pipeline: str


def expirable(connection: Readable, pipeline_key: int, keep: int, limit: int) -> list[Expirable]:
    """Ended runs with logs that are not among the newest `keep` runs of the pipeline, oldest first."""
    rows = connection.execute(_SQL.expirable, (pipeline_key, keep, limit))
    return [Expirable(row["key"], row["number"], row["namespace"], row["pipeline"]) for row in rows]


def expire(tx: Transaction, found: Sequence[Expirable], at: int) -> None:
    """Record that the logs of these runs are gone, with an event for each that had any."""
    for run in found:
        if tx.execute(_SQL.expire_run, (run.key,)).rowcount and tx.execute(_SQL.expire_attempts, (run.key,)).rowcount:
            tx.emit(
                Kind.LOGS_EXPIRED,
                at,
                namespace=run.namespace,
                pipeline=run.pipeline,
                run=run.number,
                run_key=run.key,
            )


def pipelines_with_expirable(connection: Readable, keep: int) -> list[int]:
    """The keys of the pipelines that have runs as `expirable` finds them."""
    return [row[0] for row in connection.execute(_SQL.pipelines_with_expirable, (keep,))]


def pipelines(connection: Readable) -> set[tuple[str, str]]:
    """Namespace and id of every pipeline there is."""
    return {(row["namespace"], row["id"]) for row in connection.execute(_SQL.pipelines)}


def kept(connection: Readable, namespace: str, pipeline: str) -> set[int] | None:
    """The numbers of a pipeline's runs that have their logs, None if there is no such pipeline."""
    row = connection.execute(_SQL.key, (namespace, pipeline)).fetchone()
    return {kept[0] for kept in connection.execute(_SQL.kept, (row[0],))} if row else None
