"""Rows of subscriptions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec

from gofer.models.manifest import ParameterValue
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("subscriptions")
_SETTINGS = msgspec.json.Decoder(dict[str, Any])
_PARAMETERS = msgspec.json.Decoder(dict[str, ParameterValue])

Origin = Literal["manifest", "added"]


class SubscriptionRow(NamedTuple):
    """`trigger` is a name: it may be installed or not. `settings` have references to secrets as they were written."""

    key: int
    pipeline_key: int
    namespace: str
    pipeline: str
    label: str
    trigger: str
    settings: dict[str, Any]
    parameters: dict[str, ParameterValue]
    origin: Origin
    created_at: int
    changed_at: int
    last_event: str | None
    last_event_at: int | None


class NewSubscription(NamedTuple):
    pipeline_key: int
    label: str
    trigger: str
    settings: dict[str, Any]
    parameters: dict[str, ParameterValue]
    origin: Origin
    at: int


def keys_of_trigger(connection: Readable, trigger: str) -> list[int]:
    """Oldest first."""
    return [row[0] for row in connection.execute(_SQL.keys_of_trigger, (trigger,))]


def by_keys(connection: Readable, keys: Iterable[int]) -> dict[int, SubscriptionRow]:
    """Those that still live, by their keys."""
    rows = connection.execute(_SQL.by_keys, (msgspec.json.encode(list(keys)).decode(),))
    return {row["key"]: row_of(row) for row in rows}


def of_pipeline(connection: Readable, pipeline_key: int) -> list[SubscriptionRow]:
    """All of a pipeline's, by their labels."""
    return [row_of(row) for row in connection.execute(_SQL.of_pipeline, (pipeline_key,))]


def get(connection: Readable, pipeline_key: int, label: str) -> SubscriptionRow | None:
    row = connection.execute(_SQL.get, (pipeline_key, label)).fetchone()
    return row_of(row) if row else None


def list_page(connection: Readable, pipeline_key: int, after: str, limit: int) -> list[SubscriptionRow]:
    """At most `limit` in the order of their labels, from behind the label `after` ("": from the first)."""
    return [row_of(row) for row in connection.execute(_SQL.page_of_pipeline, (pipeline_key, after, limit))]


def insert(tx: Transaction, new: NewSubscription) -> int:
    """Returns its key. Raises sqlite3.IntegrityError if the pipeline has that label already."""
    row = {**new._asdict(), "settings": _json(new.settings), "parameters": _json(new.parameters)}
    key = tx.execute(_SQL.insert, row).lastrowid
    assert key is not None
    return key


def set_settings(tx: Transaction, key: int, settings: dict[str, Any], at: int) -> None:
    tx.execute(_SQL.set_settings, (_json(settings), at, key))


def set_parameters(tx: Transaction, key: int, parameters: dict[str, ParameterValue]) -> None:
    tx.execute(_SQL.set_parameters, (_json(parameters), key))


def delete(tx: Transaction, key: int) -> None:
    tx.execute(_SQL.delete, (key,))


def set_last_event(tx: Transaction, key: int, event: str, at: int) -> None:
    """Unless it has a newer one. `at`: when the event occurred."""
    tx.execute(_SQL.set_last_event, {"key": key, "event": event, "at": at})


def count_of_trigger(connection: Readable, trigger: str) -> int:
    number: int = connection.execute(_SQL.count_of_trigger, (trigger,)).fetchone()[0]
    return number


def is_enabled(connection: Readable, trigger: str) -> bool | None:
    """Whether the trigger is enabled; None: it is not installed."""
    row = connection.execute(_SQL.installed, (trigger,)).fetchone()
    return bool(row[0]) if row else None


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def row_of(row: sqlite3.Row) -> SubscriptionRow:
    return SubscriptionRow(
        key=row["key"],
        pipeline_key=row["pipeline_key"],
        namespace=row["namespace"],
        pipeline=row["pipeline"],
        label=row["label"],
        trigger=row["trigger_id"],
        settings=_SETTINGS.decode(row["settings"]),
        parameters=_PARAMETERS.decode(row["parameters"]),
        origin=row["origin"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        last_event=row["last_event"],
        last_event_at=row["last_event_at"],
    )
