"""Rows of deployments."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from gofer.models.deployment import Cause, DeploymentSettings, DeploymentStatus, Strategy
from gofer.models.status import Reason, RunStatus
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("deployments")
_SETTINGS = msgspec.json.Decoder(DeploymentSettings)
_FIGURES = msgspec.json.Decoder(dict[str, Any])
_JSON = msgspec.json.Encoder()

LAST = 2**62
"""A cursor behind every deployment."""


class DeploymentRow(NamedTuple):
    """Fields as of `gofer.models.deployment.Deployment`."""

    key: int
    pipeline_key: int
    number: int
    strategy: Strategy
    cause: Cause
    from_version: int
    to_version: int
    settings: DeploymentSettings
    status: DeploymentStatus
    assigned: int
    reason: str
    detail: str
    figures: dict[str, Any]
    notes: str
    started_at: int
    started_by: str
    ended_at: int | None
    ended_by: str


class NewDeployment(NamedTuple):
    """`status` is `running`, or `completed` where the version is live at once."""

    pipeline_key: int
    strategy: Strategy
    cause: Cause
    from_version: int
    to_version: int
    settings: DeploymentSettings
    status: DeploymentStatus
    notes: str
    at: int
    by: str


class Ended(NamedTuple):
    """How a deployment has ended; `reason` for programs, `detail` for people."""

    status: DeploymentStatus
    at: int
    by: str = ""
    reason: str = ""
    detail: str = ""
    figures: Mapping[str, Any] = MappingProxyType({})


class RunOutcome(NamedTuple):
    """A run that was successful or failed. `duration` in milliseconds, from its start to its end."""

    number: int
    successful: bool
    duration: int


class SmokeRun(NamedTuple):
    """A run that a blue/green deployment has started, in whatever status."""

    number: int
    status: RunStatus
    reason: Reason
    detail: str


def insert(transaction: Transaction, new: NewDeployment) -> int:
    """Store it; returns its number. Raises sqlite3.IntegrityError if it is to run while another one does."""
    number: int = transaction.execute(_SQL.next_number, (new.pipeline_key,)).fetchone()[0]
    ended = new.status != "running"
    row = {
        "pipeline_key": new.pipeline_key,
        "number": number,
        "strategy": new.strategy,
        "cause": new.cause,
        "from_version": new.from_version,
        "to_version": new.to_version,
        "settings": _JSON.encode(new.settings).decode(),
        "status": new.status,
        "notes": new.notes,
        "started_at": new.at,
        "started_by": new.by,
        "ended_at": new.at if ended else None,
        "ended_by": new.by if ended else "",
    }
    transaction.execute(_SQL.insert, row)
    return number


def get(connection: Readable, pipeline_key: int, number: int) -> DeploymentRow | None:
    row = connection.execute(_SQL.get, (pipeline_key, number)).fetchone()
    return _row(row) if row else None


def under_way(connection: Readable, pipeline_key: int) -> DeploymentRow | None:
    """The one that runs."""
    row = connection.execute(_SQL.under_way, (pipeline_key,)).fetchone()
    return _row(row) if row else None


def all_under_way(connection: Readable) -> list[DeploymentRow]:
    """Those of all pipelines that run, oldest first."""
    return [_row(row) for row in connection.execute(_SQL.all_under_way)]


def list_page(connection: Readable, pipeline_key: int, before: int, limit: int) -> list[DeploymentRow]:
    """At most `limit` with a number below `before`, newest first."""
    return [_row(row) for row in connection.execute(_SQL.list_page, (pipeline_key, before, limit))]


def live_before(connection: Readable, pipeline_key: int, live: int) -> int | None:
    """The version that was live before the version `live` became so the last time; None: there was none.

    Rollbacks do not count as such: who goes back twice comes further back, and not to where they started.
    """
    row = connection.execute(_SQL.live_before, {"pipeline_key": pipeline_key, "live": live}).fetchone()
    return row[0] if row else None


def made_live(connection: Readable, pipeline_key: int, version: int) -> DeploymentRow | None:
    """The newest one that has made the version live."""
    row = connection.execute(_SQL.made_live, (pipeline_key, version)).fetchone()
    return _row(row) if row else None


def assign(transaction: Transaction, key: int) -> int:
    """Count one more run that is given a version by it; returns the count: 1 for the first."""
    number: int = transaction.execute(_SQL.assign, (key,)).fetchone()[0]
    return number


def end(transaction: Transaction, key: int, ended: Ended) -> bool:
    """False if it had ended before; it stays as it is then."""
    row = ended._asdict() | {"figures": _JSON.encode(dict(ended.figures)).decode(), "key": key}
    return transaction.execute(_SQL.end, row).rowcount == 1


def outcomes(connection: Readable, pipeline_key: int, deployment: int, version: int, limit: int) -> list[RunOutcome]:
    """Of the newest runs that the deployment has given this version; newest first."""
    return _outcomes(connection.execute(_SQL.outcomes, (pipeline_key, deployment, version, limit)))


def outcomes_before(connection: Readable, pipeline_key: int, version: int, before: int, limit: int) -> list[RunOutcome]:
    """Of the newest runs of a version that were made before that time, in milliseconds; newest first."""
    where = {"pipeline_key": pipeline_key, "version": version, "before": before, "limit": limit}
    return _outcomes(connection.execute(_SQL.outcomes_before, where))


def smoke_runs(connection: Readable, pipeline_key: int, deployment: int, version: int) -> list[SmokeRun]:
    """Those that a blue/green deployment has started, in the order of their numbers."""
    rows = connection.execute(_SQL.smoke_runs, (pipeline_key, deployment, version))
    return [SmokeRun(number, RunStatus(status), Reason(reason), detail) for number, status, reason, detail in rows]


def set_waiting(transaction: Transaction, key: int, detail: str) -> None:
    """Say why one that runs does not go on; empty: it does."""
    transaction.execute(_SQL.set_waiting, {"key": key, "reason": "waiting" if detail else "", "detail": detail})


def _outcomes(rows: sqlite3.Cursor) -> list[RunOutcome]:
    return [RunOutcome(number, status == RunStatus.SUCCESSFUL, max(0, ms or 0)) for number, status, ms in rows]


def _row(row: sqlite3.Row) -> DeploymentRow:
    return DeploymentRow(
        key=row["key"],
        pipeline_key=row["pipeline_key"],
        number=row["number"],
        strategy=row["strategy"],
        cause=row["cause"],
        from_version=row["from_version"],
        to_version=row["to_version"],
        settings=_SETTINGS.decode(row["settings"]),
        status=row["status"],
        assigned=row["assigned"],
        reason=row["reason"],
        detail=row["detail"],
        figures=_FIGURES.decode(row["figures"]),
        notes=row["notes"],
        started_at=row["started_at"],
        started_by=row["started_by"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
    )
