"""What lists leave out of what a caller may not see."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.models.pipeline import Namespace
from gofer.models.status import RunStatus
from gofer.server.auth.rights import matches
from gofer.server.store import namespaces, pipelines, runs
from gofer.server.store.database import Database, Transaction
from gofer.server.store.patterns import Patterns, globs
from tests.unit.store.seed import add_pipeline, add_run

EVERY = 100


@given(st.text("aB?[]-*^", max_size=8), st.text("aB?[]-^", max_size=8))
def test_sqlite_matches_as_the_rights_do(pattern: str, text: str) -> None:
    connection = sqlite3.connect(":memory:")
    try:
        sql = "SELECT EXISTS (SELECT 1 FROM json_each(?) WHERE ? GLOB value)"
        assert connection.execute(sql, (globs([pattern]), text)).fetchone()[0] == matches(pattern, text)
    finally:
        connection.close()


def test_nothing_is_left_out_for_who_sees_everything() -> None:
    assert globs(None) is None
    assert globs([]) == "[]"


async def test_namespaces(database: Database) -> None:
    def work(tx: Transaction) -> None:
        for one in ("team-a", "team-b", "other", "Team-c"):
            namespaces.insert(tx, Namespace(id=one, created_at=1, modified_at=1))

    await database.write(work)

    async def seen(*patterns: str, after: str = "", limit: int = EVERY) -> list[str]:
        found = await database.read(lambda c: namespaces.list_page(c, after, limit, patterns))
        return [one.id for one in found]

    assert await seen("team-*") == ["team-a", "team-b"]
    assert await seen("team-*", limit=1) == ["team-a"]
    assert await seen("team-*", after="team-a") == ["team-b"]
    assert await seen("other", "team-b") == ["other", "team-b"]
    assert await seen() == []
    assert await seen("team") == []


async def test_pipelines(database: Database) -> None:
    def work(tx: Transaction) -> None:
        namespaces.ensure_default(tx, 1)
        for number in range(9):
            add_pipeline(tx, f"day-{number}")
            add_pipeline(tx, f"night-{number}")

    await database.write(work)
    first = await database.read(lambda c: pipelines.list_page(c, "default", "", 4, ["night-*"]))
    rest = await database.read(lambda c: pipelines.list_page(c, "default", first[-1].id, EVERY, ["night-*"]))
    assert [row.id for row in [*first, *rest]] == [f"night-{number}" for number in range(9)]
    assert await database.read(lambda c: pipelines.list_page(c, "default", "", EVERY, [])) == []


def _fill(tx: Transaction) -> None:
    """Thirty runs of `night` among sixty of `day`, a third of each status."""
    namespaces.ensure_default(tx, 1)
    night, day = add_pipeline(tx, "night"), add_pipeline(tx, "day")
    for number in range(1, 31):
        for pipeline, of_it in ((day, 2 * number), (night, number), (day, 2 * number + 1)):
            key = add_run(tx, pipeline, of_it)
            status = ("successful", "failed", "queued")[number % 3]
            tx.execute("UPDATE runs SET status = ?, correlation_id = 'c' WHERE key = ?", (status, key))


def _page(
    connection: sqlite3.Connection, status: RunStatus | None, before: int, limit: int, seen: Patterns, correlated: bool
) -> list[runs.RunRow]:
    if correlated:
        return runs.list_of_correlation(connection, "default", None, "c", status, before, limit, seen)
    return runs.list_of_namespace(connection, "default", status, before, limit, seen)


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("status", [None, RunStatus.SUCCESSFUL, RunStatus.FAILED, RunStatus.QUEUED])
async def test_runs(database: Database, status: RunStatus | None, correlated: bool) -> None:
    await database.write(_fill)

    async def page(before: int, limit: int, seen: Patterns) -> list[runs.RunRow]:
        return await database.read(lambda c: _page(c, status, before, limit, seen, correlated))

    expected = [row.key for row in await page(runs.LAST, EVERY, None) if row.run.pipeline == "night"]
    assert len(expected) == (30 if status is None else 10)
    found = [runs.LAST]
    while rows := await page(found[-1], 4, ["ni*"]):
        assert len(rows) == min(4, len(expected) - len(found) + 1)
        found += [row.key for row in rows]
    assert found[1:] == expected
    assert await page(runs.LAST, EVERY, []) == []
