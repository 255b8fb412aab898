"""The rows of the `sqlite` secret store. Every function runs in the thread of the connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from gofer.engines.secret_store.base import Entry, Scope, SecretName
from gofer.engines.secret_store.sealing import Sealed

_GET = """
SELECT * FROM secrets
WHERE pipeline_key = ? AND namespace = ? AND pipeline = ? AND name = ? AND retired_at IS NULL
"""
_PAGE = """
SELECT * FROM secrets
WHERE pipeline_key = ? AND namespace = ? AND pipeline = ? AND name > ? AND retired_at IS NULL
ORDER BY name LIMIT ?
"""
_INSERT = """
INSERT INTO secrets (pipeline_key, namespace, pipeline, name, namespaces, created_at, modified_at, created_by,
                     modified_by, key_id, nonce, ciphertext)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_RETIRE = """
UPDATE secrets SET retired_at = ?
WHERE pipeline_key = ? AND namespace = ? AND pipeline = ? AND name = ? AND retired_at IS NULL
"""
_RETIRED_SINCE = """
SELECT * FROM secrets
WHERE pipeline_key = ? AND namespace = ? AND pipeline = ? AND name = ? AND retired_at >= ?
ORDER BY key
"""
_FORGET = "DELETE FROM secrets WHERE retired_at < ?"
_RETIRED = "SELECT count(*) FROM secrets WHERE retired_at IS NOT NULL"
_SCOPES = "SELECT DISTINCT namespace, pipeline, pipeline_key FROM secrets WHERE pipeline_key <> 0"
_DROP = "DELETE FROM secrets WHERE pipeline_key = ? AND namespace = ? AND pipeline = ?"
_COUNT = "SELECT count(*) FROM secrets"
_COUNT_UNDER = "SELECT count(*) FROM secrets WHERE key_id = ?"
_KEY_IDS = "SELECT key_id, count(*) FROM secrets GROUP BY key_id ORDER BY 2 DESC, 1"
_EVERY = "SELECT * FROM secrets ORDER BY key"
_STALE = "SELECT key FROM secrets WHERE key_id <> ? ORDER BY key"
_BY_KEY = "SELECT * FROM secrets WHERE key = ?"
_RESEAL = "UPDATE secrets SET key_id = ?, nonce = ?, ciphertext = ? WHERE key = ?"


class Row(NamedTuple):
    """A value, retired or not."""

    key: int
    name: SecretName
    namespaces: tuple[str, ...]
    sealed: Sealed


def owner(connection: sqlite3.Connection) -> str | None:
    """The id of the server that has claimed the store."""
    found = connection.execute("SELECT server FROM owner").fetchone()
    return None if found is None else str(found[0])


def claim(connection: sqlite3.Connection, server_id: str) -> str:
    """Claim it; nobody has."""
    connection.execute("INSERT INTO owner (server) VALUES (?)", (server_id,))
    return server_id


def entry(connection: sqlite3.Connection, name: SecretName) -> Entry | None:
    row = connection.execute(_GET, _of(name)).fetchone()
    return _entry(row) if row else None


def value(connection: sqlite3.Connection, name: SecretName) -> Row | None:
    row = connection.execute(_GET, _of(name)).fetchone()
    return _row(row) if row else None


def page(connection: sqlite3.Connection, scope: Scope, after: str, limit: int) -> list[Entry]:
    return [_entry(row) for row in connection.execute(_PAGE, (*_of_scope(scope), after, limit))]


def insert(connection: sqlite3.Connection, new: Entry, sealed: Sealed) -> None:
    """Raises sqlite3.IntegrityError if there is one of that name that is not retired."""
    who = (new.created_at, new.modified_at, new.created_by, new.modified_by)
    connection.execute(_INSERT, (*_of(new.name), " ".join(new.namespaces), *who, *sealed))


def retire(connection: sqlite3.Connection, name: SecretName, at: int) -> bool:
    """Whether there was one."""
    return connection.execute(_RETIRE, (at, *_of(name))).rowcount == 1


def retired_since(connection: sqlite3.Connection, name: SecretName, at: int) -> list[Row]:
    """Oldest first."""
    return [_row(row) for row in connection.execute(_RETIRED_SINCE, (*_of(name), at))]


def delete_retired(connection: sqlite3.Connection, before: int) -> int:
    """How many are left."""
    connection.execute(_FORGET, (before,))
    return _number(connection, _RETIRED)


def scopes(connection: sqlite3.Connection) -> list[Scope]:
    """Of pipelines."""
    return [Scope(*row) for row in connection.execute(_SCOPES)]


def delete_scope(connection: sqlite3.Connection, scope: Scope) -> None:
    connection.execute(_DROP, _of_scope(scope))


def count(connection: sqlite3.Connection) -> int:
    """Values, retired ones too."""
    return _number(connection, _COUNT)


def count_under(connection: sqlite3.Connection, key_id: str) -> int:
    """Those under one key alone."""
    return _number(connection, _COUNT_UNDER, key_id)


def key_ids(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Every key that a value is under, and of how many, the most used first."""
    return [(row[0], row[1]) for row in connection.execute(_KEY_IDS)]


def every(connection: sqlite3.Connection) -> Iterator[Row]:
    """All of them."""
    return map(_row, connection.execute(_EVERY))


def stale(connection: sqlite3.Connection, current: str) -> Iterator[Row]:
    """Those that are not under the key `current`. They may be changed on the way."""
    for (key,) in connection.execute(_STALE, (current,)).fetchall():
        yield _row(connection.execute(_BY_KEY, (key,)).fetchone())


def reseal(connection: sqlite3.Connection, row: Row, sealed: Sealed) -> None:
    connection.execute(_RESEAL, (*sealed, row.key))


def _number(connection: sqlite3.Connection, sql: str, *given: str) -> int:
    number: int = connection.execute(sql, given).fetchone()[0]
    return number


def _of(name: SecretName) -> tuple[int, str, str, str]:
    return (*_of_scope(name.scope), name.key)


def _of_scope(scope: Scope) -> tuple[int, str, str]:
    return (scope.pipeline_key, scope.namespace, scope.pipeline)


def _row(row: sqlite3.Row) -> Row:
    sealed = Sealed(row["key_id"], row["nonce"], row["ciphertext"])
    return Row(row["key"], _name(row), _namespaces(row), sealed)


def _name(row: sqlite3.Row) -> SecretName:
    return SecretName(row["name"], Scope(row["namespace"], row["pipeline"], row["pipeline_key"]))


def _namespaces(row: sqlite3.Row) -> tuple[str, ...]:
    return tuple(row["namespaces"].split())


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        name=_name(row),
        namespaces=_namespaces(row),
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        created_by=row["created_by"],
        modified_by=row["modified_by"],
    )
