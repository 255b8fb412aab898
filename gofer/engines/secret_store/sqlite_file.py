"""The file of the `sqlite` secret store: how it is opened, and what is in it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gofer.errors import ConfigError, GoferError, Unavailable
from gofer.sqlite.faults import damage, fault

T = TypeVar("T")

VERSION = 1

_PLACE_HINT = (
    "Check that secret_store.sqlite.path is a file that Gofer may write to, in a folder of its own on a disk with "
    "free space."
)
# A row with `retired_at` is a value that its secret has no more; without it there is one row a secret.
_SCHEMA = (
    """
    CREATE TABLE secrets (
      key          INTEGER PRIMARY KEY AUTOINCREMENT,
      namespace    TEXT NOT NULL,
      pipeline     TEXT NOT NULL,
      pipeline_key INTEGER NOT NULL,
      name         TEXT NOT NULL,
      namespaces   TEXT NOT NULL,
      created_at   INTEGER NOT NULL,
      modified_at  INTEGER NOT NULL,
      created_by   TEXT NOT NULL,
      modified_by  TEXT NOT NULL,
      retired_at   INTEGER,
      key_id       TEXT NOT NULL,
      nonce        BLOB NOT NULL,
      ciphertext   BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX secrets_by_name ON secrets (pipeline_key, namespace, pipeline, name)
    WHERE retired_at IS NULL
    """,
    """
    CREATE INDEX secrets_retired_by_name ON secrets (pipeline_key, namespace, pipeline, name, retired_at)
    WHERE retired_at IS NOT NULL
    """,
    "CREATE INDEX secrets_retired_by_age ON secrets (retired_at) WHERE retired_at IS NOT NULL",
    "CREATE INDEX secrets_by_key_id ON secrets (key_id, key)",
    # The one server whose pipelines the secrets belong to.
    "CREATE TABLE owner (server TEXT NOT NULL) STRICT",
)


class SecretFile:
    """One connection, to be used in one thread only."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`. Raises Unavailable and its kinds where the file cannot be used now."""
        try:
            return work(self.connection)
        except sqlite3.Error as error:
            raise trouble(error, self.path) from error

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction; what it returns, once that is on disk. Raises as `read`, and then nothing was
        changed."""
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            done = work(connection)
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise trouble(error, self.path) from error
            raise
        return done

    def scrub(self) -> None:
        """Move the log into the file and cut it off, so that nothing of what was deleted is left in either."""
        self.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())


def open_file(path: Path, busy_timeout: float) -> SecretFile:
    """Make the file where there is none, for this user alone, and connect. Raises ConfigError.

    `busy_timeout` in seconds.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, as SQLite would let others read it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        _set_up(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return SecretFile(path, connection)


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and (version == 0 or "secrets" not in tables):
        raise ConfigError(f"{path} is a database, but no secret store", _PLACE_HINT)
    if version > VERSION:
        hint = "It was written by a newer Gofer: install that one, or set another secret_store.sqlite.path."
        raise ConfigError(f"The secret store {path} has version {version}, this Gofer knows up to {VERSION}", hint)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    connection.execute("PRAGMA temp_store = MEMORY")
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


def trouble(error: sqlite3.Error, path: Path) -> GoferError:
    """What callers see of an error of SQLite."""
    hint = "Look at the disk and its permissions."
    return fault(error, path) or Unavailable(f"The secret store {path} cannot be used now: {error}", hint)


def unusable(path: Path, error: OSError | sqlite3.Error) -> ConfigError:
    """What the start is refused with."""
    if isinstance(error, sqlite3.Error) and (damaged := damage(error, path)) is not None:
        return ConfigError(damaged.message, damaged.hint)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigError(f"The secret store {path} cannot be opened: {reason}", _PLACE_HINT)
