from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gofer.errors import ConfigError
from gofer.server.store.database import Database
from gofer.server.store.migrate import Migration, migrate, migrations, statements

FIRST = Migration(1, "0001_first.sql", "CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT;\nINSERT INTO a VALUES (1);")
SECOND = Migration(
    2, "0002_second.sql", "CREATE TABLE b (x INTEGER REFERENCES a (x)) STRICT;\nINSERT INTO b VALUES (1);"
)
BROKEN = Migration(3, "0003_broken.sql", "CREATE TABLE c (x INTEGER) STRICT;\nINSERT INTO nowhere VALUES (1);")


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        number: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return number
    finally:
        connection.close()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of schema version 1, with a row that is still in its write-ahead log."""
    path = tmp_path / "gofer.db"
    connection = connect(path)
    migrate(connection, path, [FIRST])
    connection.close()
    return path


def test_a_new_file_gets_every_step_and_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    connection = connect(path)
    migrate(connection, path, [FIRST, SECOND])
    connection.close()
    assert tables(path) == {"a", "b"}
    assert version(path) == 2
    assert list(tmp_path.glob("*.bak")) == []


def test_an_old_file_is_copied_first(old: Path) -> None:
    connection = connect(old)
    connection.execute("INSERT INTO a VALUES (2)")
    migrate(connection, old, [FIRST, SECOND])
    copy = old.with_name("gofer.db.v1.bak")
    assert (tables(copy), version(copy)) == ({"a"}, 1)
    assert (tables(old), version(old)) == ({"a", "b"}, 2)
    kept = sqlite3.connect(copy)
    assert kept.execute("SELECT x FROM a").fetchall() == [(1,), (2,)]
    kept.close()
    connection.close()
    assert sorted(path.name for path in old.parent.glob("*.bak*")) == ["gofer.db.v1.bak"]


def test_a_file_that_is_up_to_date_is_left_alone(old: Path) -> None:
    connection = connect(old)
    migrate(connection, old, [FIRST])
    connection.close()
    assert list(old.parent.glob("*.bak")) == []


def test_a_step_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    connection = connect(old)
    with pytest.raises(ConfigError, match=r"0003_broken\.sql.*no such table: nowhere"):
        migrate(connection, old, [FIRST, SECOND, BROKEN])
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    connection.close()
    assert (tables(old), version(old)) == ({"a"}, 1)


def test_a_step_that_breaks_references_fails(old: Path) -> None:
    connection = connect(old)
    bad = SECOND._replace(sql=SECOND.sql + "\nINSERT INTO b VALUES (99);")
    with pytest.raises(ConfigError, match="a row of b refers to a missing row of a"):
        migrate(connection, old, [FIRST, bad])
    connection.close()
    assert (tables(old), version(old)) == ({"a"}, 1)


def test_without_a_copy_nothing_is_changed(old: Path) -> None:
    old.with_name("gofer.db.v1.bak").mkdir()
    connection = connect(old)
    with pytest.raises(ConfigError, match="must be copied before"):
        migrate(connection, old, [FIRST, SECOND])
    connection.close()
    assert (tables(old), version(old)) == ({"a"}, 1)
    assert list(old.parent.glob("*.tmp")) == []


async def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE later (x)")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="has schema version 999, but this Gofer knows only up to") as caught:
        await Database(path).open()
    assert "newer Gofer" in caught.value.hint
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="is a database of another program"):
        await Database(path).open()
    assert path.read_bytes() == before


def test_a_missing_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text(FIRST.sql)
    (tmp_path / "0003_third.sql").write_text(FIRST.sql)
    with pytest.raises(ValueError, match="expected the name of migration 0002"):
        migrations(tmp_path)


def test_a_script_is_split_into_statements() -> None:
    script = """
-- a comment; with a semicolon
CREATE TABLE a (x TEXT DEFAULT ';');
CREATE TRIGGER t AFTER INSERT ON a BEGIN
  DELETE FROM a;
END;
SELECT 1
"""
    found = list(statements(script))
    assert len(found) == 3
    assert found[1].endswith("END;")
    assert found[2] == "SELECT 1"
    assert list(statements("-- nothing\n")) == []


def test_the_two_newest_copies_are_kept(old: Path) -> None:
    for number in (3, 10, 9):
        old.with_name(f"gofer.db.v{number}.bak").write_bytes(b"")
    others = [old.with_name(name) for name in ("gofer.db.v2.bak.tmp", "other.db.v1.bak", "gofer.db.vx.bak")]
    for other in others:
        other.write_bytes(b"")
    connection = connect(old)
    migrate(connection, old, [FIRST, SECOND])
    connection.close()
    assert sorted(path.name for path in old.parent.glob("gofer.db.v*.bak")) == [
        "gofer.db.v10.bak",
        "gofer.db.v9.bak",
        "gofer.db.vx.bak",
    ]
    assert all(other.exists() for other in others)


def test_a_failed_step_changes_no_byte(old: Path) -> None:
    """Also where the changes are too large to be held in memory until they are undone."""
    connection = connect(old)
    connection.execute("CREATE TABLE large (x BLOB) STRICT")
    connection.executemany("INSERT INTO large VALUES (randomblob(4000))", [()] * 2000)
    connection.close()
    before = old.read_bytes()
    broken = BROKEN._replace(number=2, sql="UPDATE large SET x = randomblob(4000);\nINSERT INTO nowhere VALUES (1);")
    connection = connect(old)
    connection.execute("PRAGMA cache_size = 10")
    with pytest.raises(ConfigError):
        migrate(connection, old, [FIRST, broken])
    connection.close()
    assert old.read_bytes() == before
