"""Brings a database to the schema that this program knows."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gofer.errors import ConfigError

FOLDER = Path(__file__).parent / "sql" / "migrations"

_KEPT_COPIES = 2

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql\Z")


class Migration(NamedTuple):
    """`number` is the schema's version after it: 1, 2, 3…"""

    number: int
    name: str
    sql: str


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All migrations of a folder in order. Raises ValueError if a number is missing, doubled or malformed."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ValueError(f"{path.name}: expected the name of migration {len(found) + 1:04d}, as in 0001_first.sql")
        found.append(Migration(int(match[1]), path.name, path.read_text(encoding="utf-8")))
    return found


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> None:
    """Apply the steps that the database at `path` lacks, all of them or none; an existing file is copied first.

    The copy is `<name>.v<old>.bak`; the two newest of these are kept. Raises ConfigError if the file is newer than the
    steps, is not Gofer's, or if a step fails: the file is then as it was.
    """
    version = _version(connection, path)
    latest = steps[-1].number if steps else 0
    if version > latest:
        raise ConfigError(
            f"The database {path} has schema version {version}, but this Gofer knows only up to {latest}",
            "It was written by a newer Gofer: install that one, or start with another server.storage_path.",
        )
    missing = steps[version:]
    if not missing:
        return
    if version > 0:
        _copy(connection, path, path.with_name(f"{path.name}.v{version}.bak"))
    _apply(connection, path, missing)
    _remove_old_copies(path)


def statements(sql: str) -> Iterator[str]:
    """The statements of a script, one by one. Comments stay with the statement that they precede."""
    held = ""
    for line in sql.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held.strip()
            held = ""
    if re.sub(r"--.*", "", held).strip():
        yield held.strip()


def names(steps: Sequence[Migration]) -> set[tuple[str, str]]:
    """Type and name of everything that these steps make: tables, indexes, views, triggers."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for step in steps:
            for statement in statements(step.sql):
                connection.execute(statement)
        return names_in(connection)
    finally:
        connection.close()


def names_in(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """The same of a database, but for what SQLite makes by itself."""
    rows = connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return {(row[0], row[1]) for row in rows}


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise ConfigError(
            f"{path} is a database of another program", "Point server.storage_path to a folder of Gofer's own."
        )
    return version


def _copy(connection: sqlite3.Connection, path: Path, copy: Path) -> None:
    """Write a consistent copy; it gets its name only when it is complete and on disk."""
    unfinished = copy.with_name(copy.name + ".tmp")
    try:
        unfinished.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.chmod(path.stat().st_mode & 0o777)
        _sync(unfinished)
        unfinished.replace(copy)
        _sync(copy.parent)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigError(
            f"The database {path} must be copied before its schema is updated, and that failed: {error}",
            "Make room on the disk (a copy is as large as the database) and start again. Nothing was changed.",
        ) from error


def _remove_old_copies(path: Path) -> None:
    """Copies of long ago are no use: what has happened since is not in them."""
    pattern = re.compile(re.escape(path.name) + r"\.v(\d+)\.bak")
    found = [(int(match[1]), other) for other in path.parent.iterdir() if (match := pattern.fullmatch(other.name))]
    for _, copy in sorted(found)[:-_KEPT_COPIES]:
        # It only takes room: no reason not to start.
        with suppress(OSError):
            copy.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _apply(connection: sqlite3.Connection, path: Path, missing: Sequence[Migration]) -> None:
    # Off, as a table may be rebuilt under its references; it cannot be changed inside a transaction.
    connection.execute("PRAGMA foreign_keys = OFF")
    name = ""
    try:
        connection.execute("BEGIN EXCLUSIVE")
        for step in missing:
            name = step.name
            for statement in statements(step.sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step.number}")
        _check_references(connection)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise ConfigError(
            f"The schema of the database {path} could not be updated (in {name or 'the beginning'}): {error}",
            "Nothing was changed. Start the Gofer that wrote it, or report this with the message above.",
        ) from error
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _check_references(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise sqlite3.IntegrityError(f"a row of {broken[0]} refers to a missing row of {broken[2]}")
