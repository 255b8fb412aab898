"""Rows of what triggers have told of."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from gofer.models.trigger import EventOutcome, TriggerEvent
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("trigger_events")

NOBODY = 0
"""The key of the subscription whose event it is, where it is nobody's."""
LAST = 2**62
"""A cursor behind every event."""


class NewTriggerEvent(NamedTuple):
    """`run`: the number of the run that it has made; times in milliseconds."""

    trigger_key: int
    event: str
    outcome: EventOutcome
    detail: str
    occurred_at: int
    received_at: int
    subscription_key: int = NOBODY
    namespace: str = ""
    pipeline: str = ""
    label: str = ""
    run: int | None = None


def find(connection: Readable, trigger_key: int, subscription_key: int, event: str) -> TriggerEvent | None:
    """What came of this event of this subscription. It has no name of its trigger."""
    row = connection.execute(_SQL.find, (trigger_key, subscription_key, event)).fetchone()
    return _model(row, "") if row else None


def insert(tx: Transaction, new: NewTriggerEvent) -> None:
    """Raises sqlite3.IntegrityError if that event of that subscription is stored already."""
    tx.execute(_SQL.insert, new._asdict())


def alike(connection: Readable, new: NewTriggerEvent, since: int) -> int | None:
    """The key of an event of nobody's with this outcome and detail, told later than `since`."""
    where = {"trigger_key": new.trigger_key, "since": since, "outcome": new.outcome, "detail": new.detail}
    row = connection.execute(_SQL.alike, where).fetchone()
    return row[0] if row else None


def count_of_nobody(connection: Readable, trigger_key: int, since: int) -> int:
    """How many rows of nobody's events the trigger has that were told later than `since`."""
    number: int = connection.execute(_SQL.count_of_nobody, (trigger_key, since)).fetchone()[0]
    return number


def count_one_more(tx: Transaction, key: int) -> None:
    """This row stands for one event more."""
    tx.execute(_SQL.count_one_more, (key,))


def trigger_key(connection: Readable, trigger: str) -> int | None:
    """The key of the trigger's row, None if it is not installed."""
    row = connection.execute(_SQL.trigger_key, (trigger,)).fetchone()
    return row[0] if row else None


def of_trigger(
    connection: Readable,
    key: int,
    trigger: str,
    before: int,
    limit: int,
    *,
    outcome: EventOutcome | None = None,
    namespace: str | None = None,
    pipeline: str | None = None,
) -> list[TriggerEvent]:
    """At most `limit` events of the trigger with that key and name, with a number below `before`, newest first."""
    where = {"trigger_key": key, "before": before, "limit": limit}
    restricted = {"outcome": outcome, "namespace": namespace, "pipeline": pipeline}
    return [_model(row, trigger) for row in connection.execute(_SQL.of_trigger, {**where, **restricted})]


def of_pipeline(
    connection: Readable, namespace: str, pipeline: str, before: int, limit: int, outcome: EventOutcome | None = None
) -> list[TriggerEvent]:
    """The same for a pipeline, of all triggers."""
    where = {"namespace": namespace, "pipeline": pipeline, "before": before, "limit": limit, "outcome": outcome}
    return [_model(row, row["trigger_id"]) for row in connection.execute(_SQL.of_pipeline, where)]


def delete_older(tx: Transaction, cutoff: int, limit: int) -> int:
    """Delete at most `limit` events that were told before `cutoff`; returns how many."""
    return tx.execute(_SQL.delete_older, (cutoff, limit)).rowcount


def _model(row: sqlite3.Row, trigger: str) -> TriggerEvent:
    return TriggerEvent(
        id=row["key"],
        trigger=trigger,
        event=row["event"],
        namespace=row["namespace"],
        pipeline=row["pipeline"],
        label=row["label"],
        outcome=row["outcome"],
        detail=row["detail"],
        run=row["run"],
        count=row["count"],
        occurred_at=row["occurred_at"],
        received_at=row["received_at"],
    )
