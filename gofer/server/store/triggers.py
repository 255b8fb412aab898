"""Rows of triggers."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from gofer.models.trigger import TriggerInfo, TriggerOptions
from gofer.server.store import events
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("triggers")
_JSON = msgspec.json.Encoder()


class StoredTrigger(NamedTuple):
    """`settings` as they were given. `start_uid`: of the start that is under way, empty where there is none. Times in
    milliseconds since the epoch."""

    key: int
    id: str
    image: str
    settings: dict[str, Any]
    options: TriggerOptions
    info: TriggerInfo
    enabled: bool
    start_uid: str
    started_at: int | None
    created_at: int
    created_by: str
    modified_at: int


def insert(transaction: Transaction, new: StoredTrigger) -> int | None:
    """Its key; `new.key` does not count. None if there is one of that id already; it stays as it is."""
    row = {**_texts(new), "id": new.id, "at": new.created_at, "by": new.created_by}
    row["events_seq"] = events.last_seq(transaction.connection)
    found = transaction.execute(_SQL.insert, row).fetchone()
    return None if found is None else int(found[0])


def get(connection: Readable, trigger: str) -> StoredTrigger | None:
    row = connection.execute(_SQL.get, (trigger,)).fetchone()
    return _stored(row) if row else None


def every(connection: Readable) -> list[StoredTrigger]:
    return [_stored(row) for row in connection.execute(_SQL.all)]


def list_page(connection: Readable, after: str, limit: int) -> list[StoredTrigger]:
    """At most `limit`, in the order of their ids, from behind the id `after` ("": from the first)."""
    return [_stored(row) for row in connection.execute(_SQL.list_page, (after, limit))]


def update(transaction: Transaction, trigger: StoredTrigger) -> None:
    """Image, settings, options, info and whether it is enabled, as of `modified_at`. One that is enabled again is told
    of Gofer's events from now on."""
    row = {**_texts(trigger), "key": trigger.key, "at": trigger.modified_at}
    row["events_seq"] = events.last_seq(transaction.connection)
    transaction.execute(_SQL.update, row)


def set_start(transaction: Transaction, key: int, uid: str, at: int | None) -> None:
    """The start that is under way; empty and None: none is."""
    transaction.execute(_SQL.set_start, (uid, at, key))


def set_info(transaction: Transaction, key: int, info: TriggerInfo) -> None:
    transaction.execute(_SQL.set_info, (_JSON.encode(info).decode(), key))


def events_seq(connection: Readable, key: int) -> int:
    """Gofer's own events up to this one are told; 0 where the trigger is gone."""
    row = connection.execute(_SQL.events_seq, (key,)).fetchone()
    return row[0] if row else 0


def set_events_seq(transaction: Transaction, key: int, seq: int) -> None:
    transaction.execute(_SQL.set_events_seq, (seq, key))


def delete(transaction: Transaction, key: int) -> None:
    transaction.execute(_SQL.delete, (key,))


def starts(connection: Readable) -> set[str]:
    """The uids of all starts that are under way."""
    return {row[0] for row in connection.execute(_SQL.starts)}


def last_event_at(connection: Readable, key: int) -> int | None:
    """When its newest event came, in milliseconds since the epoch."""
    row = connection.execute(_SQL.last_event_at, (key,)).fetchone()
    return row[0] if row else None


def subscribed(connection: Readable) -> dict[str, int]:
    """How many subscriptions there are, by the trigger's id."""
    return {row[0]: row[1] for row in connection.execute(_SQL.subscribed)}


def users(connection: Readable, trigger: str, limit: int) -> list[str]:
    """At most `limit` of its subscriptions, each as `namespace/pipeline (label)`."""
    return [f"{row[0]}/{row[1]} ({row[2]})" for row in connection.execute(_SQL.users, (trigger, limit))]


def _texts(trigger: StoredTrigger) -> dict[str, Any]:
    return {
        "image": trigger.image,
        "settings": _JSON.encode(trigger.settings).decode(),
        "options": _JSON.encode(trigger.options).decode(),
        "info": _JSON.encode(trigger.info).decode(),
        "enabled": int(trigger.enabled),
    }


def _stored(row: sqlite3.Row) -> StoredTrigger:
    return StoredTrigger(
        key=row["key"],
        id=row["id"],
        image=row["image"],
        settings=msgspec.json.decode(row["settings"]),
        options=msgspec.json.decode(row["options"], type=TriggerOptions),
        info=msgspec.json.decode(row["info"], type=TriggerInfo),
        enabled=bool(row["enabled"]),
        start_uid=row["start_uid"],
        started_at=row["started_at"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        modified_at=row["modified_at"],
    )
