from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gofer.server.store.database import Database
from gofer.server.store.queries import FOLDER, Queries, load, parse

TEXT = """\
-- What follows is read.

-- name: first
SELECT 1;

-- name: second
-- A comment of its own.
SELECT 2
FROM x;
"""


def test_each_block_is_an_attribute(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(TEXT.partition("\n\n")[2])
    queries = Queries(tmp_path / "q.sql")
    assert queries.first == "SELECT 1"
    assert queries.second == "-- A comment of its own.\nSELECT 2\nFROM x"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"meta\.sql has no query named 'nothing'"):
        _ = load("meta").nothing


def test_text_that_belongs_to_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="before the first"):
        parse(TEXT, "q.sql")


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is used twice"):
        parse("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n", "q.sql")


@pytest.mark.parametrize(
    "path", sorted(set(FOLDER.glob("*.sql")) - {FOLDER / "schema.sql"}), ids=lambda path: path.name
)
async def test_every_query_is_valid_on_the_schema(path: Path, database: Database) -> None:
    def explain(connection: sqlite3.Connection) -> None:
        for name, sql in parse(path.read_text(), path.name).items():
            named = re.findall(r":([a-z_]+)", sql)
            values: Any = dict.fromkeys(named) if named else [None] * sql.count("?")
            assert connection.execute(f"EXPLAIN {sql}", values).fetchall(), name

    await database.read(explain)


async def test_versions_and_deployments_are_found_by_an_index(database: Database) -> None:
    """They are asked for in transactions, while everybody else's writes wait."""

    def plans(connection: sqlite3.Connection) -> dict[str, list[str]]:
        found = {}
        for noun in ("deployments", "versions"):
            for name, sql in parse((FOLDER / f"{noun}.sql").read_text(), noun).items():
                named = re.findall(r":([a-z_]+)", sql)
                values: Any = dict.fromkeys(named) if named else [None] * sql.count("?")
                found[name] = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        return found

    found = await database.read(plans)
    assert any("versions_of_hash (pipeline_key=? AND hash=?)" in step for step in found["newest_with_hash"])
    # Those under way are few, and their index holds no others; the other is asked once, at the start.
    whole = {name for name, steps in found.items() if any(step.startswith("SCAN") for step in steps)}
    assert whole == {"all_under_way", "pipelines_with_more"}
