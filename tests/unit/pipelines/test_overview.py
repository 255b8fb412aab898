"""Pipelines at a glance: shape, last runs, success rate, what is under way, and what it costs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial

import msgspec
import pytest

from gofer.errors import NotFound
from gofer.models.deployment import DeploymentSettings
from gofer.models.hold import Hold
from gofer.models.overview import PipelineOverview, ShapeTask
from gofer.models.status import RunStatus
from gofer.server.pipelines.overview import Overviews
from gofer.server.pipelines.shape_cache import MOST_TASKS, ShapeCache, shape_of
from gofer.server.store import deployments, holds, pipelines
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import NewDeployment
from gofer.server.store.overview import _SQL
from tests.unit.pipelines.building import manifest, task
from tests.unit.pipelines.conftest import Server


async def key_of(server: Server, pipeline: str) -> int:
    row = await server.database.read(lambda c: pipelines.get(c, "default", pipeline))
    assert row is not None
    return row.key


async def add_runs(server: Server, pipeline: str, statuses: Sequence[RunStatus]) -> None:
    """Runs with these statuses, each started 5 ms after it was made; those that have ended took 10 ms."""
    key = await key_of(server, pipeline)

    def work(tx: Transaction) -> None:
        sql = (
            "INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count,"
            " created_at, started_at, ended_at) VALUES (?, 'default', ?, 1, ?, 'user', 1, ?, ?, ?)"
        )
        for status in statuses:
            number = tx.execute("UPDATE pipelines SET last_run = last_run + 1 WHERE key = ? RETURNING last_run", (key,))
            at = 1_000 * (run := number.fetchone()[0])
            started = None if status is RunStatus.QUEUED else at + 5
            tx.execute(sql, (key, run, status, at, started, at + 15 if status.ended else None))

    await server.database.write(work)


async def shown(server: Server, *wanted: str, seen: Sequence[str] | None = None) -> dict[str, PipelineOverview]:
    found = await Overviews(server.database).list("default", wanted or None, None, 100, seen, lambda _: True)
    return {item.id: item for item in found.page.items}


async def test_a_pipeline_shows_its_shape_and_how_its_last_runs_went(server: Server) -> None:
    await server.pipelines.register(
        "default",
        manifest(task("a"), task("b", "a"), name="Nightly", description="Copies it all.\nAnd more."),
    )
    ended = [RunStatus.SUCCESSFUL] * 31 + [RunStatus.FAILED, RunStatus.CANCELLED]
    await add_runs(server, "nightly", [*ended, RunStatus.RUNNING, RunStatus.QUEUED, RunStatus.QUEUED])
    [item] = (await shown(server)).values()
    assert (item.id, item.name, item.description, item.version, item.enabled) == (
        "nightly", "Nightly", "Copies it all.", 1, True,
    )  # fmt: skip
    assert item.tasks == [ShapeTask(id="a"), ShapeTask(id="b", parents=["a"])]
    assert (item.task_count, item.runs, item.running, item.queued) == (2, 36, 1, 2)
    assert [run.id for run in item.last_runs] == list(range(7, 37))
    assert item.success_rate == 25 / 26
    run = item.last_runs[-5]
    assert (run.id, run.status, run.created_at, run.started_at, run.ended_at) == (
        32, RunStatus.FAILED, 32_000, 32_005, 32_015,
    )  # fmt: skip
    assert (item.last_runs[-1].started_at, item.last_runs[-1].ended_at) == (None, None)


async def test_what_has_never_run_has_nothing_to_tell(server: Server) -> None:
    await server.pipelines.register("default", manifest(task("a")))
    [item] = (await shown(server)).values()
    assert (item.runs, item.last_runs, item.success_rate, item.running, item.queued) == (0, [], None, 0, 0)
    assert (item.holds, item.deployment, item.next_start) == ([], None, None)


async def test_holds_and_deployments_stand_with_their_pipeline(server: Server) -> None:
    for name in ("nightly", "other"):
        await server.pipelines.register("default", manifest(task("a"), id=name))
    await server.pipelines.register("default", manifest(task("b"), id="other"))
    held, deployed = await key_of(server, "nightly"), await key_of(server, "other")

    def work(tx: Transaction) -> None:
        holds.put(tx, held, holds.PIPELINE, Hold(kind="paused", at=1))
        holds.put(tx, held, 1, Hold(kind="frozen", at=1))
        settings = DeploymentSettings(percent=10)
        new = NewDeployment(deployed, "canary", "deployed", 1, 2, settings, "running", "", 1, "")
        deployments.insert(tx, new)

    await server.database.write(work)
    found = await shown(server)
    assert (found["nightly"].holds, found["nightly"].deployment) == (["paused"], None)
    assert (found["other"].holds, found["other"].deployment) == ([], 3)


async def test_pages_names_and_sight(server: Server) -> None:
    for name in ("a1", "a2", "b1"):
        await server.pipelines.register("default", manifest(task("t"), id=name))
        await add_runs(server, name, [RunStatus.SUCCESSFUL])
    overviews = Overviews(server.database)
    first = await overviews.list("default", None, None, 2, None, lambda _: True)
    assert ([item.id for item in first.page.items], first.page.next) == (["a1", "a2"], "a2")
    rest = await overviews.list("default", None, "a2", 2, None, lambda _: True)
    assert ([item.id for item in rest.page.items], rest.page.next) == (["b1"], None)
    assert list(await shown(server, "b1", "a2", "gone")) == ["a2", "b1"]
    assert list(await shown(server, seen=["a*"])) == ["a1", "a2"]
    assert list(await shown(server, seen=[])) == []
    hidden = await overviews.list("default", None, None, 9, None, lambda name: name != "a2")
    assert [(item.id, len(item.last_runs), item.success_rate) for item in hidden.page.items] == [
        ("a1", 1, 1.0), ("a2", 0, None), ("b1", 1, 1.0),
    ]  # fmt: skip
    with pytest.raises(NotFound, match="namespace"):
        await overviews.list("nowhere", None, None, 9, None, lambda _: True)


async def test_a_version_that_is_not_live_lends_its_shape_where_none_is(server: Server) -> None:
    await server.pipelines.register("default", manifest(task("a")))
    key = await key_of(server, "nightly")
    await server.database.write(lambda tx: tx.execute("UPDATE pipelines SET live_version = 0"))
    [item] = (await shown(server)).values()
    assert (item.version, item.task_count) == (0, 1)
    assert await server.database.read(lambda c: ShapeCache().load(c, key, 7)) == ([], 0)


def test_a_large_shape_is_cut_with_the_lines_that_lead_out_of_it() -> None:
    parents = {1: ("t0", f"t{MOST_TASKS + 1}")}
    tasks = [task(f"t{i}", *parents.get(i, ())) for i in range(MOST_TASKS + 2)]
    shape = shape_of(msgspec.json.encode(manifest(*tasks)).decode())
    assert (len(shape.tasks), shape.task_count) == (MOST_TASKS, MOST_TASKS + 2)
    assert shape.tasks[1].parents == ["t0"]


async def test_no_more_shapes_are_kept_than_there_is_room_for(server: Server) -> None:
    for name in ("a1", "a2", "a3"):
        await server.pipelines.register("default", manifest(task("t"), id=name))
    keys = [await key_of(server, name) for name in ("a1", "a2", "a3")]
    cache = ShapeCache(room=4)
    loaded = [await server.database.read(partial(cache.load, pipeline_key=key, version=1)) for key in keys]
    assert len(cache._shapes) == 2
    assert await server.database.read(lambda c: cache.load(c, keys[2], 1)) is loaded[2]
    again = await server.database.read(lambda c: cache.load(c, keys[0], 1))
    assert again == loaded[0]
    assert again is not loaded[0]


def rows_of(connection: sqlite3.Connection, sql: str, where: dict[str, object]) -> list[sqlite3.Row]:
    return connection.execute(sql, where).fetchall()


async def test_no_query_goes_through_all_runs(server: Server) -> None:
    where: dict[str, object] = {"keys": "[1]", "count": 30, "most": 1000}
    for name in ("last_runs", "unfinished", "holds", "deployments", "subscriptions"):
        sql = "EXPLAIN QUERY PLAN " + getattr(_SQL, name)
        plan = [row["detail"] for row in await server.database.read(partial(rows_of, sql=sql, where=where))]
        scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
        assert scans == [], (name, plan)
