from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from gofer.server.store.migrate import migrate, migrations
from gofer.server.store.queries import FOLDER


def schema(connection: sqlite3.Connection) -> dict[str, str]:
    """Every table and index with its text; spaces, quotes and comments do not count."""
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    )
    return {f"{type_} {name}": _normalised(sql) for type_, name, sql in rows}


def columns(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT m.name, c.* FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS c WHERE m.type = 'table'"
        " ORDER BY m.name, c.name"
    ).fetchall()


def _normalised(sql: str) -> str:
    text = re.sub(r"--[^\n]*", " ", sql).replace('"', "")
    return re.sub(r"\s*([(),])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


def test_the_schema_file_says_what_the_migrations_make(tmp_path: Path) -> None:
    path = tmp_path / "migrated.db"
    migrated = sqlite3.connect(path, isolation_level=None)
    migrate(migrated, path, migrations())
    written = sqlite3.connect(":memory:")
    written.executescript((FOLDER / "schema.sql").read_text(encoding="utf-8"))
    try:
        assert schema(written) == schema(migrated), "bring sql/schema.sql in step with the newest migration"
        assert [row[0::2] for row in columns(written)] == [row[0::2] for row in columns(migrated)]
    finally:
        migrated.close()
        written.close()


def test_every_table_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "migrated.db"
    migrated = sqlite3.connect(path, isolation_level=None)
    migrate(migrated, path, migrations())
    tables = migrated.execute(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'"
    )
    assert {name for name, strict in tables if not strict} == set()
    migrated.close()
