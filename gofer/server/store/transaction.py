"""What a unit of writing gets to work with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from gofer.models.event import Event, Kind
from gofer.server.store.queries import load

_SQL = load("events")
_JSON = msgspec.json.Encoder()


class Transaction:
    """The writer's connection, valid only inside the work that it was handed to. Never commit or roll back here."""

    __slots__ = ("connection", "events")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.events: list[Event] = []

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """As sqlite3's. Rows can be read by position and by column name."""
        return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any] | Mapping[str, Any]]) -> sqlite3.Cursor:
        """As sqlite3's."""
        return self.connection.executemany(sql, parameters)

    def emit(
        self,
        kind: Kind,
        at: int,
        *,
        namespace: str = "",
        pipeline: str = "",
        run: int | None = None,
        run_key: int | None = None,
        task: str = "",
        data: dict[str, Any] | None = None,
    ) -> None:
        """Store an event as part of this transaction. Subscribers hear of it after the commit.

        `at` in milliseconds; `data` must encode as JSON and must not be changed afterwards.
        """
        text = _JSON.encode(data).decode() if data else None
        row = (at, kind.value, namespace or None, pipeline or None, run, run_key, task or None, text)
        seq = self.connection.execute(_SQL.insert, row).lastrowid
        assert seq is not None
        self.events.append(
            Event(
                seq=seq,
                at=at,
                kind=kind.value,
                namespace=namespace,
                pipeline=pipeline,
                run=run,
                task=task,
                data=data or {},
            )
        )


Readable: TypeAlias = sqlite3.Connection | Transaction
"""What a function that only reads takes: it may be called inside a transaction too."""
