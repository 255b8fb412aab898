"""Rows of notifications: what is to be told of runs that have ended. Functions that write take their transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from gofer.models.common_task import Notification, NotificationStatus
from gofer.models.status import RunStatus
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("notifications")
_JSON = msgspec.json.Encoder()
_SETTINGS = msgspec.json.Decoder(dict[str, str])

LOOKED_AT = 200
"""So many of a pipeline's newest runs are looked at for the one that ended before."""


class NotificationRow(NamedTuple):
    """See the table. `started_at` is set while a try is under way."""

    key: int
    run_key: int
    label: str
    common_task: str
    settings: Mapping[str, str]
    previous: str
    status: NotificationStatus
    attempt: int
    detail: str
    output: str
    created_at: int
    next_at: int
    started_at: int | None
    ended_at: int | None

    def model(self) -> Notification:
        """As the API shows it."""
        return Notification(
            label=self.label,
            common_task=self.common_task,
            status=self.status,
            attempts=self.attempt,
            detail=self.detail,
            output=self.output,
            created_at=self.created_at,
            next_at=self.next_at if self.status == "pending" else None,
            ended_at=self.ended_at,
        )


def insert(
    tx: Transaction, run_key: int, label: str, common_task: str, settings: Mapping[str, str], previous: str, at: int
) -> None:
    """To be told as soon as may be."""
    tx.execute(_SQL.insert, (run_key, label, common_task, _JSON.encode(settings).decode(), previous, at, at))


def previous_outcome(connection: Readable, pipeline_key: int, run_key: int) -> RunStatus | None:
    """With which status, successful or failed, that run of the pipeline has ended which ended last, this one left
    out."""
    row = connection.execute(_SQL.previous_outcome, (pipeline_key, run_key, LOOKED_AT)).fetchone()
    return RunStatus(row["status"]) if row else None


def due(connection: Readable, now: int, built_in: bool, limit: int) -> list[NotificationRow]:
    """Those whose time has come, longest waiting first; also those with a try under way. `built_in`: those that need
    no container engine, else the others."""
    return [_row(row) for row in connection.execute(_SQL.due, (now, built_in, limit))]


def next_due(connection: Readable, now: int) -> int | None:
    """When the next one is due after `now`, in milliseconds."""
    found: int | None = connection.execute(_SQL.next_due, (now,)).fetchone()[0]
    return found


def oldest_of_runs(connection: Readable) -> int | None:
    """When the oldest run was made of which somebody is still to be told, in milliseconds."""
    found: int | None = connection.execute(_SQL.oldest_of_runs).fetchone()[0]
    return found


def under_way(connection: Readable) -> list[NotificationRow]:
    """Those that a container is there for, or is about to be."""
    return [_row(row) for row in connection.execute(_SQL.under_way)]


def begin(tx: Transaction, key: int, at: int) -> NotificationRow | None:
    """Record a try before the engine hears of it. None if there is nothing more to tell."""
    row = tx.execute(_SQL.begin, (at, key)).fetchone()
    return _row(row) if row else None


def postpone(tx: Transaction, key: int, detail: str, output: str, next_at: int) -> None:
    """A try has failed, and there is another at `next_at`."""
    tx.execute(_SQL.postpone, (detail, output, next_at, key))


def set_ended(tx: Transaction, key: int, status: NotificationStatus, detail: str, output: str, at: int) -> bool:
    """False if it is gone together with its run."""
    return tx.execute(_SQL.set_ended, (status, detail, output, at, key)).rowcount == 1


def of_run(connection: Readable, run_key: int, after: int, limit: int) -> list[NotificationRow]:
    """In the order of the manifest, with a key above `after`."""
    return [_row(row) for row in connection.execute(_SQL.of_run, (run_key, after, limit))]


def _row(row: Any) -> NotificationRow:
    return NotificationRow(**{**dict(row), "settings": _SETTINGS.decode(row["settings"])})
